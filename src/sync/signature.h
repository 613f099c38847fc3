// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace sluice::sync {

/// Signs with the key of the cluster certificate, and checks against the certificate of the other side: what has come
/// over a link, through a bucket or by a file is from a control plane of this cluster. Immutable, any thread.
class Signer {
 public:
  /// PEM texts. ECDSA or RSA with SHA-256, or Ed25519, as the key is.
  static Result<std::shared_ptr<const Signer>> make(std::string_view certificate_pem,
                                                    const Secret<std::string>& key_pem);
  virtual ~Signer() = default;
  /// Base64 of the signature.
  [[nodiscard]] virtual std::string sign(std::string_view statement) const = 0;
  [[nodiscard]] virtual const std::string& certificate_pem() const = 0;
};

/// Whether `signature` over `statement` was made by the key of `certificate_pem`.
Result<> verify(std::string_view statement, std::string_view signature, std::string_view certificate_pem);
/// Whether `certificate_pem` is one of those in `trusted_pem` itself, or issued below one of them and not expired at
/// `now` (Unix seconds); intermediate certificates follow the first one. Below an authority, data planes have
/// certificates too: one for clients only is refused, and with `server_name` any that is not for this name.
Result<> verify_issuer(std::string_view certificate_pem, std::string_view trusted_pem, double now,
                       std::string_view server_name = {});

/// What a signature of a configuration is about.
std::string statement_of(std::string_view control_plane, std::string_view version, std::string_view hash);

}  // namespace sluice::sync
