// SPDX-License-Identifier: Apache-2.0
#include "entity/name_id.h"

#include "crypto/uuid5.h"

namespace sluice::entity {
namespace {

/// fd02801f-0957-4a15-a55a-c8d9606f30b5: below it, every type of entity has its own namespace.
constexpr Uuid kEntities{
    {0xfd, 0x02, 0x80, 0x1f, 0x09, 0x57, 0x4a, 0x15, 0xa5, 0x5a, 0xc8, 0xd9, 0x60, 0x6f, 0x30, 0xb5}};

}  // namespace

Uuid NameIds::id(std::string_view type, std::string_view key) {
  auto at = spaces_.find(type);
  if (at == spaces_.end()) at = spaces_.emplace(std::string(type), crypto::uuid_v5(kEntities, type)).first;
  if (workspace_.is_nil()) return crypto::uuid_v5(at->second, key);
  return crypto::uuid_v5(at->second, workspace_.to_string() + ':' + std::string(key));
}

}  // namespace sluice::entity
