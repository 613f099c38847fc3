// SPDX-License-Identifier: Apache-2.0
#include "control/iam/session_cookie.h"

#include "base/base64.h"
#include "base/strings.h"
#include "crypto/hash.h"

namespace sluice::control::iam {
namespace {

constexpr std::string_view kPlainName = "sluice_session";
constexpr std::string_view kTlsName = "__Host-sluice_session";

struct Found {
  std::string_view value;
  unsigned count = 0;
};

Found find(const http::RequestHead& request, std::string_view name) {
  Found found;
  for (const auto& field : request.headers) {
    if (!iequals(field.name, "cookie")) continue;
    for (std::string_view pair : split(field.value, ';')) {
      pair = trim(pair);
      const std::size_t equals = pair.find('=');
      if (equals == pair.npos || pair.substr(0, equals) != name) continue;
      found.value = pair.substr(equals + 1);
      ++found.count;
    }
  }
  return found;
}

std::string cookie(std::string_view text, Transport transport, std::int64_t max_age_s) {
  const bool tls = transport == Transport::Tls;
  std::string made(tls ? kTlsName : kPlainName);
  made.append("=").append(text).append("; Path=/; Max-Age=").append(std::to_string(max_age_s));
  return made.append(tls ? "; HttpOnly; SameSite=Strict; Secure" : "; HttpOnly; SameSite=Strict");
}

}  // namespace

std::optional<std::string_view> shown_session(const http::RequestHead& request, Transport transport) {
  Found found = find(request, kTlsName);
  // A proxy in front of us may speak TLS to the browser and not to us.
  if (found.count == 0 && transport == Transport::Plain) found = find(request, kPlainName);
  if (found.count != 1 || found.value.empty()) return std::nullopt;
  return found.value;
}

std::string set_cookie(std::string_view text, Transport transport, std::int64_t max_age_s) {
  return cookie(text, transport, max_age_s);
}

std::string forget_cookie(Transport transport) {
  return cookie("", transport, 0);
}

std::string csrf_token(std::string_view text) {
  return base64url_encode(crypto::hmac_sha256(text, "sluice csrf token"));
}

}  // namespace sluice::control::iam
