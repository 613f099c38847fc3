// SPDX-License-Identifier: Apache-2.0
#include "store/memory_store.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace sluice::store {

const sync::Document* Table::find(const Uuid& id) const {
  const auto at = rows_.find(id);
  return at != rows_.end() ? &at->second : nullptr;
}

const Index& Table::index(const std::vector<std::string>& members) const {
  if (const auto known = indexes_.find(members); known != indexes_.end()) return known->second;
  Index& made = indexes_.emplace(members, Index(members)).first->second;
  for (const auto& [id, document] : rows_) made.add(id, *document);
  return made;
}

const Ids* Table::find_all(std::string_view member, std::string_view text) const {
  return index({std::string(member)}).find(text);
}

const Index::Map& Table::entries(std::string_view member) const {
  return index({std::string(member)}).entries();
}

Uuid Table::find_unique(std::string_view member, std::string_view text) const {
  const Ids* ids = find_all(member, text);
  return ids != nullptr ? ids->front() : Uuid{};
}

Uuid Table::find_same_key(std::string_view document) const {
  const auto& members = type_->cache_key();
  if (members.empty()) return {};
  const Index& found = index(members);
  for (const auto& key : Index::keys(members, document)) {
    if (const Ids* ids = found.find(key)) return ids->front();
  }
  return {};
}

void Table::put(const Uuid& id, sync::Document document) {
  SLUICE_ASSERT(document != nullptr);
  sync::Document& slot = rows_[id];
  for (auto& [members, index] : indexes_) {
    if (slot != nullptr) index.remove(id, *slot);
    index.add(id, *document);
  }
  slot = std::move(document);
}

void Table::erase(const Uuid& id) {
  const auto at = rows_.find(id);
  if (at == rows_.end()) return;
  for (auto& [members, index] : indexes_) index.remove(id, *at->second);
  rows_.erase(at);
}

MemoryStore::MemoryStore(const entity::Catalog& catalog) {
  tables_.reserve(catalog.types().size());
  for (const auto& type : catalog.types()) tables_.emplace_back(*type);
}

Table* MemoryStore::find(std::string_view type) {
  const auto at = std::ranges::find_if(tables_, [&](const Table& table) { return table.type().name() == type; });
  return at != tables_.end() ? &*at : nullptr;
}

const Table& MemoryStore::table(std::string_view type) const {
  const auto at = std::ranges::find_if(tables_, [&](const Table& table) { return table.type().name() == type; });
  SLUICE_ASSERT(at != tables_.end());
  return *at;
}

void MemoryStore::apply(const sync::Delta& delta) {
  if (delta.complete) {
    for (Table& table : tables_) table = Table(table.type());
  }
  for (const auto& key : delta.removals) {
    if (Table* table = find(key.type)) table->erase(key.id);
  }
  for (const auto& row : delta.upserts) {
    if (Table* table = find(row.type)) table->put(row.id, row.document);
  }
  if (!delta.hash.empty()) hash_ = delta.hash;
}

}  // namespace sluice::store
