// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/uuid.h"
#include "entity/catalog.h"
#include "entity/name_id.h"
#include "schema/violations.h"

namespace sluice::entity {

/// One entity of a file before it is validated. Borrows the file's document.
struct Item {
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  const schema::EntityBase* type = nullptr;
  std::uint32_t type_index = 0;
  const Json* source = nullptr;
  std::uint32_t position = 0;           // in its list
  std::uint32_t parent = kNone;         // the item in which it is nested
  const schema::Field* link = nullptr;  // its field that refers to the parent
  Uuid id;                              // nil while it has none
};

/// A type of entity that may be nested in another one.
struct ChildType {
  std::uint32_t type_index = 0;
  const schema::Field* link = nullptr;
};

/// Finds the entities of a file, nested ones too, gives them ids and knows them by key and id.
class DeclarativeItems {
 public:
  DeclarativeItems(const Catalog& catalog, const Json& input);

  /// Collects all items; what has the wrong shape is reported.
  void collect(schema::Violations& outside);
  /// Gives ids and builds the index; two entities of one identity are reported by `clash(item, message)`.
  template <class Clash>
  void identify(const Clash& clash) {
    for (std::uint32_t i = 0; i < items_.size(); ++i) {
      if (auto message = identify(i); !message.empty()) clash(i, std::move(message));
    }
  }

  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  /// From the top of the file down to the item.
  [[nodiscard]] std::vector<schema::PathPart> path(const Item& item) const;
  /// Whether a member of the item holds nested entities.
  [[nodiscard]] bool is_child_list(const Item& item, std::string_view member) const;
  /// The entity of a type by its endpoint key, else by its id; nil when there is none.
  [[nodiscard]] Uuid find(std::string_view type, std::string_view key_or_id) const;

 private:
  struct Index {
    std::unordered_map<std::string_view, Uuid, StringHash, std::equal_to<>> by_key;
    std::unordered_map<Uuid, std::uint32_t> by_id;
  };

  void collect_list(std::uint32_t type_index, const Json& list, std::uint32_t parent, const schema::Field* link,
                    schema::Violations& outside);
  void collect_groups(std::uint32_t consumer, const Json& groups, schema::Violations& outside);
  void add(Item item, schema::Violations& outside);
  std::string identify(std::uint32_t index);
  [[nodiscard]] Uuid make_id(const Item& item);
  [[nodiscard]] bool append_cache_key(const Item& item, std::string& key) const;
  [[nodiscard]] std::uint32_t index_of(std::string_view type) const;

  const Catalog& catalog_;
  const Json& input_;
  std::vector<std::vector<ChildType>> children_;  // by the parent's type
  std::vector<Item> items_;
  std::vector<Index> indexes_;
  std::deque<Json> made_;  // sources that stand nowhere in the file: memberships written as `groups`
  NameIds name_ids_;
};

}  // namespace sluice::entity
