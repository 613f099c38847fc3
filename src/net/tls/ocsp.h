// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/tls/identity.h"
#include "net/tls/openssl.h"
#include "net/tls/trust_store.h"

struct ocsp_cert_id_st;  // OpenSSL's OCSP_CERTID

namespace sluice::net::tls {

/// Whether clients are told by the certificate to turn a server away that staples nothing. RFC 7633.
[[nodiscard]] bool must_staple(const crypto::Certificate& certificate);

/// What an authority says of a certificate.
struct OcspAnswer {
  enum class Status : std::uint8_t { Good, Revoked, Unknown };
  Status status = Status::Unknown;
  std::int64_t next_update_s = 0;  // wall clock; 0: the responder always knows better
};

/// A question to an authority about one certificate, RFC 6960. Immutable; may be shared by threads.
class OcspQuestion {
 public:
  /// About the leaf. Its issuer is the next certificate of the chain, else one of `trust` (may be null). The responder
  /// is the one that the certificate names, unless `responder` is an http URL. NotFound: there is nobody to ask.
  static Result<std::shared_ptr<const OcspQuestion>> about(const Identity& identity, const TrustStore* trust,
                                                           std::string_view responder);

  [[nodiscard]] const std::string& url() const { return url_; }
  /// Content of a POST, application/ocsp-request.
  [[nodiscard]] const std::string& der() const { return der_; }

  /// Whether a response is the authority's, about this certificate, and in force now. Checks signatures: not for a
  /// reactor's thread.
  [[nodiscard]] Result<OcspAnswer> judge(std::string_view response) const;

 private:
  OcspQuestion() = default;
  struct FreeId {
    void operator()(ocsp_cert_id_st* id) const noexcept;
  };

  std::string url_;
  std::string der_;
  std::unique_ptr<ocsp_cert_id_st, FreeId> id_;
  X509Ptr issuer_;
  X509StorePtr authority_;  // of the issuer alone
};

}  // namespace sluice::net::tls
