// SPDX-License-Identifier: Apache-2.0
#include "control/planes/merged_rows.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_set>

namespace sluice::control::planes {

class MergedRows::Reservation final : public MemberGuard::Claim {
 public:
  Reservation(std::shared_ptr<std::vector<const Reservation*>> alive, const Uuid& member)
      : alive_(std::move(alive)), member_(member) {
    alive_->push_back(this);
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() override { std::erase(*alive_, this); }

  [[nodiscard]] std::vector<sync::ConfigProblem> problems() const override { return problems_; }
  [[nodiscard]] bool has(const Uuid& other, const std::string& key) const {
    return member_ != other && keys_.contains(key);
  }

  void take(const sync::EntityRow& row, const Identity& identity, bool is_free) {
    keys_.insert(identity.key);
    if (is_free) return;
    problems_.push_back({row.type, row.id, identity.field,
                         "another member of a control plane group has " + identity.text + " already"});
  }

 private:
  const std::shared_ptr<std::vector<const Reservation*>> alive_;
  const Uuid member_;
  std::unordered_set<std::string> keys_;
  std::vector<sync::ConfigProblem> problems_;
};

// Changes -------------------------------------------------------------------------------------------------------------

MergedRows::Row MergedRows::make_row(const Uuid& member, const Key& key, const Uuid& workspace,
                                     sync::Document document) const {
  Row row{member, workspace, std::move(document), {}};
  row.identities = identities_of(catalog_, key.first, key.second, workspace, *row.document);
  return row;
}

const Identity* MergedRows::blocked_by(const Key& key, const Row& row, Uuid& holder) const {
  for (const Identity& identity : row.identities) {
    const auto at = taken_.find(identity.key);
    if (at == taken_.end()) continue;
    const Row& other = rows_.at(at->second);
    if (at->second == key && other.member == row.member) continue;
    holder = other.member;
    return &identity;
  }
  return nullptr;
}

void MergedRows::hold(const Key& key, Row row) {
  for (const Identity& identity : row.identities) taken_.insert_or_assign(identity.key, key);
  rows_.insert_or_assign(key, std::move(row));
}

void MergedRows::release(const Key& key) {
  const auto at = rows_.find(key);
  if (at == rows_.end()) return;
  for (const Identity& identity : at->second.identities) taken_.erase(identity.key);
  rows_.erase(at);
}

/// `before` is what was shown of the row until now, and is shown on if the new one clashes; null: nothing was.
void MergedRows::put(const Key& key, Row row, Row* before, Entries& made) {
  Uuid holder;
  const std::pair waits(row.member, key);
  if (const Identity* identity = blocked_by(key, row, holder)) {
    const Clash clash{row.member, key.first, key.second, identity->text, holder};
    waiting_.insert_or_assign(waits, Waiting{std::move(row), clash});
    if (before == nullptr) return;
    if (blocked_by(key, *before, holder) == nullptr) return hold(key, std::move(*before));
    made[key] = {.version = {},
                 .type = key.first,
                 .id = key.second,
                 .workspace = before->workspace,
                 .document = nullptr,
                 .author = {},
                 .when = {}};
    return;
  }
  waiting_.erase(waits);
  made[key] = {.version = {},
               .type = key.first,
               .id = key.second,
               .workspace = row.workspace,
               .document = row.document,
               .author = {},
               .when = {}};
  hold(key, std::move(row));
}

void MergedRows::remove(const Uuid& member, const Key& key, Entries& made) {
  waiting_.erase({member, key});
  const auto at = rows_.find(key);
  if (at == rows_.end() || at->second.member != member) return;
  made[key] = {.version = {},
               .type = key.first,
               .id = key.second,
               .workspace = at->second.workspace,
               .document = nullptr,
               .author = {},
               .when = {}};
  release(key);
}

/// What had to wait may have become free.
void MergedRows::retry(Entries& made) {
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [place, one] : waiting) {
    const Key& key = place.second;
    std::optional<Row> before;
    const auto at = rows_.find(key);
    if (at != rows_.end() && at->second.member == place.first) {
      before = at->second;
      release(key);
    }
    put(key, one.row, before ? &*before : nullptr, made);
  }
}

void MergedRows::add(const Uuid& member, const store::MemoryStore& rows) {
  Entries ignored;
  for (const auto& [workspace, space] : rows.spaces()) {
    for (const store::Table& table : space.tables()) {
      for (const auto& [id, document] : table.rows()) {
        const Key key(table.type().name(), id);
        put(key, make_row(member, key, workspace, document), nullptr, ignored);
      }
    }
  }
}

std::vector<store::LogEntry> MergedRows::take(const Uuid& member, const sync::Delta& delta) {
  Entries made;
  for (const sync::EntityKey& key : delta.removals) remove(member, {key.type, key.id}, made);
  if (delta.complete) {
    std::set<Key> kept;
    for (const sync::EntityRow& row : delta.upserts) kept.emplace(row.type, row.id);
    std::vector<Key> gone;
    for (const auto& [key, row] : rows_) {
      if (row.member == member && !kept.contains(key)) gone.push_back(key);
    }
    for (const Key& key : gone) remove(member, key, made);
    std::erase_if(waiting_,
                  [&](const auto& at) { return at.first.first == member && !kept.contains(at.first.second); });
  }
  // All old identities go before the new ones come: two rows may swap theirs.
  std::map<Key, Row> before;
  for (const sync::EntityRow& row : delta.upserts) {
    const Key key(row.type, row.id);
    const auto at = rows_.find(key);
    if (at == rows_.end() || at->second.member != member) continue;
    before.insert_or_assign(key, at->second);
    release(key);
  }
  for (const sync::EntityRow& row : delta.upserts) {
    const Key key(row.type, row.id);
    const auto old = before.find(key);
    put(key, make_row(member, key, row.workspace, row.document), old != before.end() ? &old->second : nullptr, made);
  }
  if (!waiting_.empty()) retry(made);
  std::vector<store::LogEntry> entries;
  entries.reserve(made.size());
  for (auto& [key, entry] : made) entries.push_back(std::move(entry));
  return entries;
}

// Reading -------------------------------------------------------------------------------------------------------------

std::vector<sync::EntityRow> MergedRows::rows() const {
  std::vector<sync::EntityRow> all;
  all.reserve(rows_.size());
  for (const auto& [key, row] : rows_) all.push_back({key.first, key.second, row.document, row.workspace});
  return all;
}

std::vector<Clash> MergedRows::clashes() const {
  std::vector<Clash> all;
  all.reserve(waiting_.size());
  for (const auto& [place, one] : waiting_) all.push_back(one.clash);
  return all;
}

std::unique_ptr<MemberGuard::Claim> MergedRows::claim(const Uuid& member, const sync::Delta& delta) {
  auto reservation = std::make_unique<Reservation>(claims_, member);
  for (const sync::EntityRow& row : delta.upserts) {
    for (const Identity& identity : identities_of(catalog_, row.type, row.id, row.workspace, *row.document)) {
      const auto at = taken_.find(identity.key);
      const bool taken = at != taken_.end() && rows_.at(at->second).member != member;
      const bool promised =
          std::ranges::any_of(*claims_, [&](const Reservation* other) { return other->has(member, identity.key); });
      reservation->take(row, identity, !taken && !promised);
    }
  }
  return reservation;
}

}  // namespace sluice::control::planes
