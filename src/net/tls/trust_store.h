// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/tls/openssl.h"

namespace sluice::net::tls {

/// The certificates that peers' chains may end in. Immutable; shared by contexts and shards, since the system's bundle
/// takes milliseconds to load.
class TrustStore {
 public:
  /// Each text holds one certificate or more. A certificate in the store is trusted as it is, be it a root or not.
  static Result<std::shared_ptr<const TrustStore>> from_pem(std::span<const std::string> texts);
  /// What the operating system trusts. Reads files.
  static Result<std::shared_ptr<const TrustStore>> system();

  [[nodiscard]] X509_STORE* handle() const { return store_.get(); }
  /// Tells stores apart by content: hexadecimal digits.
  [[nodiscard]] const std::string& digest() const { return digest_; }
  /// The subjects, for a server that asks its clients for certificates. The caller owns the list.
  [[nodiscard]] STACK_OF(X509_NAME) * subjects() const;

 private:
  X509StorePtr store_;
  std::string digest_;
};

}  // namespace sluice::net::tls
