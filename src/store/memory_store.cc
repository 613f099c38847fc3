// SPDX-License-Identifier: Apache-2.0
#include "store/memory_store.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/strings.h"
#include "store/member.h"

namespace sluice::store {

std::int64_t expires_at(const schema::EntityBase& type, std::string_view document) {
  if (!type.has_ttl()) return 0;
  const auto ttl = parse_int<std::int64_t>(raw_member(document, "ttl"));
  if (!ttl || *ttl <= 0) return 0;
  const auto made = parse_double(raw_member(document, "created_at"));
  return (made ? static_cast<std::int64_t>(*made) : 0) + *ttl;
}

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

const Ids* Table::find_same_keys(std::string_view document) const {
  const auto& members = type_->cache_key();
  if (members.empty()) return nullptr;
  const Index& found = index(members);
  for (const auto& key : Index::keys(members, document)) {
    if (const Ids* ids = found.find(key)) return ids;
  }
  return nullptr;
}

Uuid Table::find_same_key(std::string_view document) const {
  const Ids* ids = find_same_keys(document);
  return ids != nullptr ? ids->front() : Uuid{};
}

void Table::put(const Uuid& id, sync::Document document) {
  SLUICE_ASSERT(document != nullptr);
  sync::Document& slot = rows_[id];
  if (type_->has_ttl()) {
    if (slot != nullptr) expiring_.erase({expires_at(*type_, *slot), id});
    if (const std::int64_t second = expires_at(*type_, *document); second != 0) expiring_.emplace(second, id);
  }
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
  if (!expiring_.empty()) expiring_.erase({expires_at(*type_, *at->second), id});
  rows_.erase(at);
}

bool Table::has_expired(const Uuid& id, std::int64_t now) const {
  if (expiring_.empty() || expiring_.begin()->first > now) return false;
  const sync::Document* document = find(id);
  const std::int64_t second = document != nullptr ? expires_at(*type_, **document) : 0;
  return second != 0 && second <= now;
}

Ids Table::expired(std::int64_t now, std::size_t limit) const {
  Ids ids;
  for (auto at = expiring_.begin(); at != expiring_.end() && at->first <= now && ids.size() < limit; ++at) {
    ids.push_back(at->second);
  }
  return ids;
}

bool Table::index_ahead() {
  if (rows_.empty()) return false;
  const auto build = [&](const std::vector<std::string>& members) {
    if (indexes_.contains(members)) return false;
    static_cast<void>(index(members));
    return true;
  };
  for (const auto* fields : {&type_->unique_fields(), &type_->foreign_fields()}) {
    for (const schema::Field* field : *fields) {
      if (field->name != "id" && build({field->name})) return true;
    }
  }
  return type_->cache_key().size() > 1 && build(type_->cache_key());
}

Space::Space(const entity::Catalog& catalog, const Uuid& id, const Space* shared) : id_(id), shared_(shared) {
  tables_.reserve(catalog.types().size());
  for (const auto& type : catalog.types()) tables_.emplace_back(*type);
}

Table* Space::find(std::string_view type) {
  const auto at = std::ranges::find_if(tables_, [&](const Table& table) { return table.type().name() == type; });
  return at != tables_.end() ? &*at : nullptr;
}

const Table& Space::table(std::string_view type) const {
  const auto at = std::ranges::find_if(tables_, [&](const Table& table) { return table.type().name() == type; });
  SLUICE_ASSERT(at != tables_.end());
  const bool elsewhere = shared_ != nullptr && !at->type().workspaceable();
  return elsewhere ? shared_->table(type) : *at;
}

bool Space::empty() const {
  return std::ranges::all_of(tables_, [](const Table& table) { return table.rows().empty(); });
}

MemoryStore::MemoryStore(const entity::Catalog& catalog) : catalog_(catalog) {
  static_cast<void>(make_space({}));
}

Space& MemoryStore::make_space(const Uuid& workspace) const {
  const auto found = spaces_.find(workspace);
  if (found != spaces_.end()) return found->second;
  const Space* shared = workspace.is_nil() ? nullptr : &spaces_.at(Uuid{});
  return spaces_.try_emplace(workspace, catalog_, workspace, shared).first->second;
}

const Space& MemoryStore::space(const Uuid& workspace) const {
  return make_space(workspace);
}

const Space* MemoryStore::space_of(std::string_view type, const Uuid& id) const {
  for (auto& [workspace, space] : spaces_) {
    const Table* table = space.find(type);
    if (table != nullptr && table->find(id) != nullptr) return &space;
  }
  return nullptr;
}

void MemoryStore::put(const sync::EntityRow& row) {
  const schema::EntityBase* type = catalog_.find(row.type);
  if (type == nullptr) return;
  const Uuid workspace = type->workspaceable() ? row.workspace : Uuid{};
  for (auto& [id, space] : spaces_) {
    if (id != workspace) space.find(row.type)->erase(row.id);
  }
  make_space(workspace).find(row.type)->put(row.id, row.document);
}

void MemoryStore::erase(const sync::EntityKey& key) {
  for (auto& [workspace, space] : spaces_) {
    if (Table* table = space.find(key.type)) table->erase(key.id);
  }
}

bool MemoryStore::index_ahead() {
  auto at = spaces_.lower_bound(indexed_last_);
  for (std::size_t left = spaces_.size(); left > 0; --left, ++at) {
    if (at == spaces_.end()) at = spaces_.begin();
    if (!std::ranges::any_of(at->second.tables_, [](Table& table) { return table.index_ahead(); })) continue;
    indexed_last_ = at->first;
    return true;
  }
  return false;
}

void MemoryStore::apply(const sync::Delta& delta) {
  if (delta.complete) {
    for (auto& [workspace, space] : spaces_) {
      for (Table& table : space.tables_) table = Table(table.type());
    }
  }
  for (const auto& key : delta.removals) erase(key);
  for (const auto& row : delta.upserts) put(row);
  if (!delta.hash.empty()) hash_ = delta.hash;
}

}  // namespace sluice::store
