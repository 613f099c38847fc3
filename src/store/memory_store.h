// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "entity/catalog.h"
#include "store/index.h"
#include "sync/delta.h"

namespace sluice::store {

/// When a row expires, Unix seconds; 0: never.
[[nodiscard]] std::int64_t expires_at(const schema::EntityBase& type, std::string_view document);

/// The entities of one type, ordered by id. Indexes are built when something is first looked up by them, or ahead of
/// that in quiet moments, and then kept up to date, so that a load costs nothing but the rows. Not thread-safe,
/// look-ups included.
class Table {
 public:
  using Rows = std::map<Uuid, sync::Document>;

  explicit Table(const schema::EntityBase& type) : type_(&type) {}

  [[nodiscard]] const schema::EntityBase& type() const { return *type_; }
  [[nodiscard]] const Rows& rows() const { return rows_; }
  /// Null when there is none. Invalidated by changes, as is everything below.
  [[nodiscard]] const sync::Document* find(const Uuid& id) const;
  /// The rows whose `member` holds `text`: a string, a reference's id, or one of a list (tags). Null: none.
  [[nodiscard]] const Ids* find_all(std::string_view member, std::string_view text) const;
  /// Every text that `member` holds somewhere, with its rows.
  [[nodiscard]] const Index::Map& entries(std::string_view member) const;
  /// The one row with that text in a unique member; nil when there is none.
  [[nodiscard]] Uuid find_unique(std::string_view member, std::string_view text) const;
  /// The row that agrees with `document` in every column of the type's cache key; nil when there is none.
  [[nodiscard]] Uuid find_same_key(std::string_view document) const;
  /// All of them: while a change is made there may be several. Null: none.
  [[nodiscard]] const Ids* find_same_keys(std::string_view document) const;

  /// Whether the row is past its time to live; false for one that is not there. `now` in Unix seconds.
  [[nodiscard]] bool has_expired(const Uuid& id, std::int64_t now) const;
  /// Rows past their time to live, those that have been so for longest first, `limit` at most.
  [[nodiscard]] Ids expired(std::int64_t now, std::size_t limit) const;

  void put(const Uuid& id, sync::Document document);
  void erase(const Uuid& id);
  /// Builds one of the indexes by which writes are checked, if one is missing. False: none is.
  bool index_ahead();

 private:
  [[nodiscard]] const Index& index(const std::vector<std::string>& members) const;

  const schema::EntityBase* type_;
  Rows rows_;
  std::set<std::pair<std::int64_t, Uuid>> expiring_;  // by the second in which they do
  mutable std::map<std::vector<std::string>, Index, std::less<>> indexes_;
};

/// The entities of one workspace, a table for each type. What all workspaces share is found through each of them.
/// Belongs to the control shard.
class Space {
 public:
  /// `catalog` outlives the space; `shared` has the types that workspaces share, null when this one has them itself.
  Space(const entity::Catalog& catalog, const Uuid& id, const Space* shared);
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  /// Nil: the default workspace.
  [[nodiscard]] const Uuid& id() const { return id_; }
  /// Of a type of the catalog, by DAO name.
  [[nodiscard]] const Table& table(std::string_view type) const;
  /// As the catalog orders them; those of shared types are empty outside the default workspace.
  [[nodiscard]] const std::vector<Table>& tables() const { return tables_; }
  [[nodiscard]] bool empty() const;

 private:
  friend class MemoryStore;
  [[nodiscard]] Table* find(std::string_view type);

  Uuid id_;
  const Space* shared_;
  std::vector<Table> tables_;
};

/// The entities that this process serves, in memory: what the Admin API reads. Documents are shared with the gateway,
/// not copied. Belongs to the control shard.
class MemoryStore {
 public:
  /// `catalog` outlives the store.
  explicit MemoryStore(const entity::Catalog& catalog);

  [[nodiscard]] const entity::Catalog& catalog() const { return catalog_; }
  /// A workspace's entities; an empty space for one that has none yet. Stays valid.
  [[nodiscard]] const Space& space(const Uuid& workspace = {}) const;
  [[nodiscard]] const std::map<Uuid, Space>& spaces() const { return spaces_; }
  /// The space that has the row; null when there is none.
  [[nodiscard]] const Space* space_of(std::string_view type, const Uuid& id) const;

  /// Of the default workspace.
  [[nodiscard]] const Table& table(std::string_view type) const { return space().table(type); }
  [[nodiscard]] const std::vector<Table>& tables() const { return space().tables(); }

  /// Takes over a change that the gateway serves by now. Rows of unknown types are left out.
  void apply(const sync::Delta& delta);
  /// One row of it. A row that moves to another workspace is taken out of the one where it was.
  void put(const sync::EntityRow& row);
  void erase(const sync::EntityKey& key);
  /// Builds one missing index, so that no write waits for it: tens of milliseconds for a hundred thousand rows. False
  /// when there was nothing to do.
  bool index_ahead();

  /// Of the configuration held: 32 hexadecimal digits, zeros before the first.
  [[nodiscard]] const std::string& hash() const { return hash_; }

 private:
  [[nodiscard]] Space& make_space(const Uuid& workspace) const;

  const entity::Catalog& catalog_;
  mutable std::map<Uuid, Space> spaces_;  // always has the default one; the others come when they are asked for
  Uuid indexed_last_ = {};                // in which workspace index_ahead() goes on
  std::string hash_ = std::string(32, '0');
};

}  // namespace sluice::store
