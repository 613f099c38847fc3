// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "schema/entity.h"

namespace sluice::entity {

/// Keys that belong together.
struct KeySet {
  static constexpr std::string_view kName = "key_sets";

  schema::Id<KeySet> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  std::vector<std::string> tags;

  static void describe(schema::Entity<KeySet>& e);
};

/// A key pair, or half of one, in PEM.
struct PemKey {
  Secret<std::string> private_key;
  std::string public_key;

  static void describe(schema::Record<PemKey>& r);
};

/// An asymmetric key that plugins look up by its `kid`.
struct Key {
  static constexpr std::string_view kName = "keys";

  schema::Id<Key> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  schema::Ref<KeySet> set;
  std::string kid;
  Secret<std::string> jwk;  // JSON text
  std::optional<PemKey> pem;
  std::vector<std::string> tags;

  static void describe(schema::Entity<Key>& e);
};

}  // namespace sluice::entity
