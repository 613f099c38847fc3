// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/uuid.h"
#include "entity/catalog.h"
#include "store/keyring.h"

struct evp_cipher_ctx_st;

namespace sluice::store {

/// Encrypts the confidential texts inside documents (AES-256-GCM, each bound to its row), so that the rest of a stored
/// document stays readable. A sealed text is the JSON string "\u0073ealed:<key>:<base64 of nonce, octets, tag>": our
/// writer never escapes an "s", so no other text can be taken for one. Not thread-safe.
class Sealer {
 public:
  /// Both outlive it. The keyring's file is read again when something is sealed under a key that is not known.
  Sealer(const entity::Catalog& catalog, Keyring& keyring);
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;
  ~Sealer();

  /// The form to be stored of a canonical document; Errc::Unavailable when it holds secrets and Keyring::may_seal()
  /// says no.
  Result<std::string> seal(std::string_view type, const Uuid& id, std::string_view document);
  /// A stored document as it was; Errc::Forbidden when the keyring lacks the key.
  Result<std::string> open(std::string_view type, const Uuid& id, std::string_view stored);
  /// A stored document with "***" in the place of everything that is sealed in it.
  [[nodiscard]] static std::string mask(std::string_view stored);
  /// Whether something in a stored document is sealed under another key than the active one.
  [[nodiscard]] bool stale(std::string_view stored) const;
  /// What a confidential unique value is found by: HMAC-SHA-256, 32 octets.
  [[nodiscard]] std::string digest(std::string_view value) const;

 private:
  struct FreeContext {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, FreeContext>;
  enum class Direction : std::uint8_t { Open, Seal };

  [[nodiscard]] bool may_hold_secrets(const schema::EntityBase& type);
  Result<evp_cipher_ctx_st*> context(std::string_view key, Direction direction);
  Result<std::string> seal_text(std::string_view bound_to, std::string_view text);
  Result<std::string> open_text(std::string_view bound_to, std::string_view sealed);

  const entity::Catalog& catalog_;
  Keyring& keyring_;
  const std::string placeholder_;
  std::map<std::string, Context, std::less<>> contexts_;  // by direction and key
  std::map<const schema::EntityBase*, bool> may_hold_secrets_;
};

}  // namespace sluice::store
