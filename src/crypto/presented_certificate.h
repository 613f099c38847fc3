// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "crypto/pem.h"

namespace sluice::crypto {

/// The certificate that the other side of a TLS connection showed, in the forms in which requests pass it on. Made once
/// per connection; immutable. That the other side holds the key is certain; what the certificate says is worth what
/// verification() says.
class PresentedCertificate {
 public:
  /// `chain`: leaf first, at least one. `verification` as verification() gives it.
  PresentedCertificate(std::vector<Certificate> chain, std::string verification);

  [[nodiscard]] const std::vector<Certificate>& chain() const { return chain_; }
  /// What came of comparing it with authorities in the handshake, as nginx tells it: `SUCCESS`, or `FAILED:` and why.
  [[nodiscard]] const std::string& verification() const { return verification_; }
  [[nodiscard]] bool is_verified() const { return verification_ == "SUCCESS"; }

  /// Of the leaf. Names in one line, RFC 2253.
  [[nodiscard]] const std::string& subject() const { return subject_; }
  [[nodiscard]] const std::string& issuer() const { return issuer_; }
  /// Upper-case hexadecimal digits.
  [[nodiscard]] const std::string& serial() const { return serial_; }
  /// SHA-1 of the DER form in lower-case hexadecimal digits: how other systems name certificates.
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  /// Of the whole chain, 32 octets: tells what clients show apart.
  [[nodiscard]] const std::string& digest() const { return digest_; }
  /// PEM, with all but RFC 3986's unreserved characters escaped: fit for a header.
  [[nodiscard]] const std::string& escaped_pem() const { return escaped_pem_; }

 private:
  std::vector<Certificate> chain_;
  std::string verification_;
  std::string subject_;
  std::string issuer_;
  std::string serial_;
  std::string fingerprint_;
  std::string digest_;
  std::string escaped_pem_;
};

}  // namespace sluice::crypto
