// SPDX-License-Identifier: Apache-2.0
#include "net/tls/openssl.h"

#include <openssl/err.h>

namespace sluice::net::tls {

std::string take_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown failure";
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  return "error " + std::to_string(ERR_GET_REASON(code));
}

BioPtr view_bio(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::unexpected<Error> config_failure(std::string_view what) {
  return fail(Errc::Invalid, std::string(what) + ": " + take_error());
}

}  // namespace sluice::net::tls
