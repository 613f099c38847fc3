// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

// OpenSSL's types, so that its headers stay out of ours.
struct x509_st;
struct evp_pkey_st;

namespace sluice::crypto {

enum class KeyType : std::uint8_t { Rsa, Ec, Ed25519, Ed448, Other };
[[nodiscard]] std::string_view to_string(KeyType type);

/// One X.509 certificate. Immutable; copies share it, across threads too.
class Certificate {
 public:
  /// The one certificate of a PEM text; a second one is an error.
  static Result<Certificate> parse(std::string_view pem);
  /// All certificates of a PEM text, at least one, in order: the leaf first, then its issuers.
  static Result<std::vector<Certificate>> parse_chain(std::string_view pem);
  /// One that OpenSSL holds, never null; both share it from now on.
  static Certificate share(x509_st* certificate);

  [[nodiscard]] KeyType key_type() const;
  /// Lower-case hexadecimal SHA-256 of the DER form.
  [[nodiscard]] std::string sha256_hex() const;
  /// Whether basic constraints say CA:TRUE and key usage, if any, allows signing certificates.
  [[nodiscard]] bool is_ca() const;
  /// Seconds since 1970.
  [[nodiscard]] std::int64_t not_before() const;
  [[nodiscard]] std::int64_t not_after() const;
  /// One line, RFC 2253: `CN=example.com,O=Example`.
  [[nodiscard]] std::string subject() const;
  [[nodiscard]] std::string issuer() const;
  /// Lower-case hexadecimal digits.
  [[nodiscard]] std::string serial() const;
  /// DNS names and IP addresses of the subject alternative name, wildcards as written; without that extension, the
  /// common name.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Whom the certificate is about, for finding out who shows it: DNS names, IP addresses, mail addresses and URIs of
  /// the subject alternative name, in order; without that extension, the common name. Names with control octets are
  /// left out: one with a NUL would read as a shorter one elsewhere.
  [[nodiscard]] std::vector<std::string> identities() const;
  /// The first common name of the subject, as UTF-8; empty: there is none, or it has control octets.
  [[nodiscard]] std::string common_name() const;
  [[nodiscard]] std::string to_pem() const;

  /// Lives as long as any copy of this object.
  [[nodiscard]] x509_st* handle() const { return handle_.get(); }

 private:
  explicit Certificate(x509_st* owned);
  std::shared_ptr<x509_st> handle_;
};

/// A private key. Immutable; copies share it. OpenSSL wipes it when the last one goes.
class PrivateKey {
 public:
  /// The first private key of a PEM text (PKCS #8, PKCS #1 or SEC 1); encrypted ones are refused.
  static Result<PrivateKey> parse(std::string_view pem);

  [[nodiscard]] KeyType type() const;
  /// Size of the modulus or of the curve.
  [[nodiscard]] int bits() const;
  [[nodiscard]] bool belongs_to(const Certificate& certificate) const;

  /// Lives as long as any copy of this object.
  [[nodiscard]] evp_pkey_st* handle() const { return handle_.get(); }

 private:
  explicit PrivateKey(evp_pkey_st* owned);
  std::shared_ptr<evp_pkey_st> handle_;
};

}  // namespace sluice::crypto
