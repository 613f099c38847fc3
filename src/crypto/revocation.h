// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/pem.h"

struct ocsp_cert_id_st;  // OpenSSL's OCSP_CERTID

namespace sluice::crypto {

/// What an authority says of a certificate that it has issued.
struct RevocationAnswer {
  enum class Status : std::uint8_t { Good, Revoked, Unknown };
  Status status = Status::Unknown;
  std::int64_t next_update_s = 0;  // wall clock; 0: the authority always knows better
};

/// Where a certificate says that its authority tells about it: http and https URLs, in its order.
struct RevocationSources {
  std::vector<std::string> responders;  // for OcspQuestion
  std::vector<std::string> lists;       // for judge_list()
};
[[nodiscard]] RevocationSources revocation_sources(const Certificate& certificate);

/// A question to an authority about one certificate, RFC 6960. Immutable; may be shared by threads.
class OcspQuestion {
 public:
  static Result<std::shared_ptr<const OcspQuestion>> about(const Certificate& certificate, const Certificate& issuer);

  /// Content of a POST, application/ocsp-request.
  [[nodiscard]] const std::string& der() const { return der_; }
  /// Whether a response is the authority's, about this certificate, and in force now. Checks signatures: not for a
  /// reactor's thread.
  [[nodiscard]] Result<RevocationAnswer> judge(std::string_view response) const;

 private:
  explicit OcspQuestion(const Certificate& issuer) : issuer_(issuer) {}
  struct FreeId {
    void operator()(ocsp_cert_id_st* id) const noexcept;
  };

  std::string der_;
  std::unique_ptr<ocsp_cert_id_st, FreeId> id_;
  const Certificate issuer_;
};

/// What a list of revoked certificates (DER or PEM, RFC 5280) says, if it is the issuer's, about certificates of this
/// kind, and in force now. Checks signatures, and may be large: not for a reactor's thread.
[[nodiscard]] Result<RevocationAnswer> judge_list(std::string_view list, const Certificate& certificate,
                                                  const Certificate& issuer);

}  // namespace sluice::crypto
