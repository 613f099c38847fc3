// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/tls/openssl.h"

namespace sluice::net::tls {

enum class Version : std::uint8_t { Tls10, Tls11, Tls12, Tls13 };

/// Which protocol versions and algorithms one side offers. The default is Mozilla's "intermediate" recommendation
/// without finite-field Diffie-Hellman: every suite has forward secrecy and authenticated encryption.
struct Profile {
  Version oldest = Version::Tls12;
  Version newest = Version::Tls13;
  std::string ciphers =  // up to TLS 1.2, OpenSSL's syntax
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  std::string suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";  // TLS 1.3
  std::string groups = "X25519:P-256";
  bool prefer_server_order = false;
  int security_level = 1;  // OpenSSL's: 1 refuses RSA below 1024 bits and MD5; 0 is needed for TLS 1.0 with SHA-1

  /// "modern", "intermediate" or "old".
  static Result<Profile> named(std::string_view name);
  /// Any OpenSSL cipher list, with the versions of "intermediate".
  static Profile custom(std::string ciphers);

  /// "TLSv1.2 TLSv1.3", in any order and without gaps.
  Result<> set_protocols(std::string_view list);
  /// Checks the lists by using them.
  Result<> apply(SSL_CTX* context) const;
};

}  // namespace sluice::net::tls
