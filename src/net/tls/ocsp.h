// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/revocation.h"
#include "net/tls/identity.h"
#include "net/tls/trust_store.h"

namespace sluice::net::tls {

/// Whether clients are told by the certificate to turn a server away that staples nothing. RFC 7633.
[[nodiscard]] bool must_staple(const crypto::Certificate& certificate);

/// What an authority says of a certificate.
using OcspAnswer = crypto::RevocationAnswer;

/// A question to an authority about one of our own certificates, RFC 6960. Immutable; may be shared by threads.
class OcspQuestion {
 public:
  /// About the leaf. Its issuer is the next certificate of the chain, else one of `trust` (may be null). The responder
  /// is the one that the certificate names, unless `responder` is an http URL. NotFound: there is nobody to ask.
  static Result<std::shared_ptr<const OcspQuestion>> about(const Identity& identity, const TrustStore* trust,
                                                           std::string_view responder);

  [[nodiscard]] const std::string& url() const { return url_; }
  /// Content of a POST, application/ocsp-request.
  [[nodiscard]] const std::string& der() const { return question_->der(); }

  /// As crypto::OcspQuestion::judge().
  [[nodiscard]] Result<OcspAnswer> judge(std::string_view response) const { return question_->judge(response); }

 private:
  OcspQuestion() = default;

  std::string url_;
  std::shared_ptr<const crypto::OcspQuestion> question_;
};

}  // namespace sluice::net::tls
