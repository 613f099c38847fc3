// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/pem.h"
#include "net/tls/openssl.h"
#include "net/tls/staple.h"

namespace sluice::net::tls {

/// What one side of a connection proves itself with: a private key and the certificate chain that belongs to it.
/// Immutable; shared by shards.
class Identity {
 public:
  /// Both in PEM, the chain with the leaf first. Fails when one does not parse or the two do not match.
  static Result<Identity> from_pem(std::string_view chain, std::string_view key);

  [[nodiscard]] const crypto::Certificate& leaf() const { return chain_.front(); }
  [[nodiscard]] crypto::KeyType key_type() const { return key_.type(); }
  [[nodiscard]] const crypto::PrivateKey& key() const { return key_; }
  /// Tells leaves apart: lower-case hexadecimal SHA-256.
  [[nodiscard]] const std::string& print() const { return print_; }

  /// What the authority says of the leaf, for handshakes; copies share it.
  [[nodiscard]] Staple& staple() const { return *staple_; }
  /// The certificates as they are sent, leaf first.
  [[nodiscard]] const std::vector<crypto::Certificate>& chain() const { return chain_; }

  /// Makes `target` present this identity, beside those of other key types.
  Result<> apply(SSL_CTX* target) const;
  [[nodiscard]] bool apply(SSL* target) const;

 private:
  struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
  };
  Identity(std::vector<crypto::Certificate> chain, crypto::PrivateKey key);

  std::vector<crypto::Certificate> chain_;
  crypto::PrivateKey key_;
  std::string print_;
  std::shared_ptr<Staple> staple_ = std::make_shared<Staple>();
  std::unique_ptr<STACK_OF(X509), FreeStack> issuers_;  // borrows from chain_, all but the leaf
};

/// What one server name presents: an ECDSA and an RSA identity, or one of them. The client's abilities decide.
class IdentitySet {
 public:
  static std::shared_ptr<const IdentitySet> of(Identity only);
  /// The keys must differ in type.
  static Result<std::shared_ptr<const IdentitySet>> of(Identity first, Identity second);

  [[nodiscard]] const std::vector<Identity>& identities() const { return identities_; }

 private:
  std::vector<Identity> identities_;
};

struct ClientPolicy;

/// Chooses what to present for the server name that a client asks for, and what to ask of it. Called on the
/// connection's shard.
class IdentityResolver {
 public:
  virtual ~IdentityResolver() = default;
  /// `server_name` in lower case, empty when the client sent none. Null: the listener's own identity.
  [[nodiscard]] virtual std::shared_ptr<const IdentitySet> find(std::string_view server_name) const = 0;
  /// Null: no certificate is asked for beyond what the listener itself demands.
  [[nodiscard]] virtual std::shared_ptr<const ClientPolicy> clients(std::string_view /*server_name*/) const {
    return nullptr;
  }
};

}  // namespace sluice::net::tls
