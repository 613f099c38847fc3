// SPDX-License-Identifier: Apache-2.0
#include "control/publish/lookup.h"

#include <algorithm>

#include "base/time.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::publish {
namespace {

/// What has expired is as good as gone, also before it is taken out of the store.
Uuid unless_expired(const store::Table& table, const Uuid& id) {
  return table.has_expired(id, unix_seconds()) ? Uuid{} : id;
}

}  // namespace

store::Ids children(const store::Table& table, std::string_view link, const Uuid& parent) {
  const store::Ids* found = table.find_all(link, parent.to_string());
  return found != nullptr ? *found : store::Ids{};
}

Uuid referred(std::string_view document, std::string_view link) {
  const auto texts = store::member_texts(document, link);
  return texts.empty() ? Uuid{} : Uuid::parse(texts.front()).value_or(Uuid{});
}

Uuid select(const store::Space& space, const store::Table& table, std::string_view key) {
  if (const auto id = Uuid::parse(key)) return table.find(*id) != nullptr ? unless_expired(table, *id) : Uuid{};
  if (table.type().name() == entity::Certificate::kName) {
    const store::Table& snis = space.table(entity::Sni::kName);
    const Uuid sni = snis.find_unique("name", key);
    return sni.is_nil() ? sni : referred(**snis.find(sni), "certificate");
  }
  const std::string& name = table.type().endpoint_key();
  if (name.empty() || !table.type().find_field(name)->unique) return {};
  return unless_expired(table, table.find_unique(name, key));
}

Uuid select_child(const store::Table& table, std::string_view link, const Uuid& parent, std::string_view key) {
  const auto belongs = [&](const Uuid& id) {
    const sync::Document* document = table.find(id);
    return document != nullptr && referred(**document, link) == parent && !unless_expired(table, id).is_nil();
  };
  if (const auto id = Uuid::parse(key)) return belongs(*id) ? *id : Uuid{};
  const schema::EntityBase& type = table.type();
  std::string name = type.endpoint_key();
  // An acl has no name of its own, but its group is unique below the consumer.
  if (name.empty() && type.cache_key().size() == 2) {
    name = type.cache_key()[type.cache_key().front() == link ? 1 : 0];
  }
  if (name.empty()) return {};
  const store::Ids* found = table.find_all(name, key);
  if (found == nullptr) return {};
  const auto at = std::ranges::find_if(*found, belongs);
  return at != found->end() ? *at : Uuid{};
}

}  // namespace sluice::control::publish
