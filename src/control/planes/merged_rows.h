// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "control/planes/identities.h"
#include "control/planes/member_guard.h"
#include "entity/catalog.h"
#include "store/durable.h"
#include "store/memory_store.h"

namespace sluice::control::planes {

/// A row that cannot be shown together with another member's.
struct Clash {
  Uuid member;
  std::string type;  // DAO name
  Uuid id;
  std::string what;   // that both have: "name=x"
  Uuid other_member;  // who has it already
};

/// The entities of several control planes as one configuration, and what stands in the way of that. A row that clashes
/// is left as it was, or out, until the clash is over. Belongs to the control shard.
class MergedRows {
 private:
  class Reservation;

 public:
  /// `catalog` outlives it. Takes over the claims that `before` knows, if given.
  explicit MergedRows(const entity::Catalog& catalog, const MergedRows* before = nullptr)
      : catalog_(catalog),
        claims_(before != nullptr ? before->claims_ : std::make_shared<std::vector<const Reservation*>>()) {}
  MergedRows(const MergedRows&) = delete;
  MergedRows& operator=(const MergedRows&) = delete;

  /// All that a member has; for one that is new.
  void add(const Uuid& member, const store::MemoryStore& rows);
  /// What a member changes. Returns what that changes here.
  std::vector<store::LogEntry> take(const Uuid& member, const sync::Delta& delta);

  [[nodiscard]] std::vector<sync::EntityRow> rows() const;
  [[nodiscard]] std::vector<Clash> clashes() const;

  /// What speaks against a change that a member wants to make, as if others' claims had been made already. What it
  /// takes stays reserved while the claim is alive.
  std::unique_ptr<MemberGuard::Claim> claim(const Uuid& member, const sync::Delta& delta);

 private:
  using Key = std::pair<std::string, Uuid>;  // type and id
  struct Row {
    Uuid member;
    Uuid workspace;
    sync::Document document;
    std::vector<Identity> identities;
  };
  struct Waiting {
    Row row;
    Clash clash;
  };

  using Entries = std::map<Key, store::LogEntry>;
  /// Whether nobody else has what the row needs; else where it clashes.
  [[nodiscard]] const Identity* blocked_by(const Key& key, const Row& row, Uuid& holder) const;
  void hold(const Key& key, Row row);
  void release(const Key& key);
  void put(const Key& key, Row row, Row* before, Entries& made);
  void remove(const Uuid& member, const Key& key, Entries& made);
  void retry(Entries& made);
  [[nodiscard]] Row make_row(const Uuid& member, const Key& key, const Uuid& workspace, sync::Document document) const;

  const entity::Catalog& catalog_;
  std::map<Key, Row> rows_;
  std::unordered_map<std::string, Key> taken_;  // by Identity::key
  std::map<std::pair<Uuid, Key>, Waiting> waiting_;
  const std::shared_ptr<std::vector<const Reservation*>> claims_;  // that are alive; they may outlive this
};

}  // namespace sluice::control::planes
