// SPDX-License-Identifier: Apache-2.0
#include "entity/declarative_items.h"

#include <algorithm>
#include <utility>

namespace sluice::entity {
namespace {

using schema::PathPart;

const std::string* text(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_string() ? &value->as_string() : nullptr;
}

constexpr std::string_view kGroups = "groups";  // decK's spelling of a consumer's memberships

}  // namespace

DeclarativeItems::DeclarativeItems(const Catalog& catalog, const Json& input)
    : catalog_(catalog), input_(input), children_(catalog.types().size()), indexes_(catalog.types().size()) {
  for (std::uint32_t i = 0; i < catalog.types().size(); ++i) {
    for (const auto* field : catalog.types()[i]->foreign_fields()) {
      children_[index_of(field->reference)].push_back({i, field});
    }
  }
}

std::uint32_t DeclarativeItems::index_of(std::string_view type) const {
  const auto& types = catalog_.types();
  const auto at = std::ranges::find_if(types, [&](const auto& candidate) { return candidate->name() == type; });
  return static_cast<std::uint32_t>(at - types.begin());
}

void DeclarativeItems::collect(schema::Violations& outside) {
  for (std::uint32_t i = 0; i < catalog_.types().size(); ++i) {
    const Json* list = input_.find(catalog_.types()[i]->name());
    if (list != nullptr) collect_list(i, *list, Item::kNone, nullptr, outside);
  }
}

void DeclarativeItems::collect_list(std::uint32_t type_index, const Json& list, std::uint32_t parent,
                                    const schema::Field* link, schema::Violations& outside) {
  const auto& type = catalog_.types()[type_index];
  const auto report = [&](std::vector<PathPart> rest, std::string message) {
    std::vector<PathPart> at = parent != Item::kNone ? path(items_[parent]) : std::vector<PathPart>{};
    std::ranges::move(rest, std::back_inserter(at));
    schema::Violations one;
    one.add(schema::PathView{}, std::move(message));
    outside.merge(at, std::move(one));
  };
  if (list.is_null() || (list.is_object() && list.as_object().empty())) return;
  if (!list.is_array()) return report({{type->name(), 0, false}}, "expected an array");
  const auto& entries = list.as_array();
  if (parent == Item::kNone) {
    items_.reserve(items_.size() + entries.size());
    indexes_[type_index].by_id.reserve(entries.size());
    if (!type->endpoint_key().empty()) indexes_[type_index].by_key.reserve(entries.size());
  }
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    if (!entries[i].is_object()) {
      report({{type->name(), 0, false}, {{}, i, true}}, "expected a record");
      continue;
    }
    add({type.get(), type_index, &entries[i], i, parent, link, {}}, outside);
  }
}

void DeclarativeItems::add(Item item, schema::Violations& outside) {
  const auto index = static_cast<std::uint32_t>(items_.size());
  const std::uint32_t type_index = item.type_index;
  const Json& source = *item.source;
  items_.push_back(std::move(item));
  for (const auto& child : children_[type_index]) {
    const std::string& name = catalog_.types()[child.type_index]->name();
    const Json* list = source.find(name);
    if (list != nullptr && is_child_list(items_[index], name)) {
      collect_list(child.type_index, *list, index, child.link, outside);
    }
  }
  if (items_[index].type->name() == Consumer::kName) {
    if (const Json* groups = source.find(kGroups)) collect_groups(index, *groups, outside);
  }
}

void DeclarativeItems::collect_groups(std::uint32_t consumer, const Json& groups, schema::Violations& outside) {
  if (!groups.is_array()) return;
  const std::uint32_t memberships = index_of(ConsumerGroupConsumer::kName);
  const auto& fields = catalog_.types()[memberships]->foreign_fields();
  const auto link = std::ranges::find(fields, "consumer", &schema::Field::name);
  for (std::uint32_t i = 0; i < groups.as_array().size(); ++i) {
    Json::Object membership;
    membership.append("consumer_group", groups.as_array()[i]);
    made_.emplace_back(std::move(membership));
    add({catalog_.types()[memberships].get(), memberships, &made_.back(), i, consumer, *link, {}}, outside);
  }
}

bool DeclarativeItems::is_child_list(const Item& item, std::string_view member) const {
  if (item.type->name() == Consumer::kName && member == kGroups) return true;
  const auto& children = children_[item.type_index];
  const auto named = [&](const ChildType& child) { return catalog_.types()[child.type_index]->name() == member; };
  return std::ranges::any_of(children, named) && item.type->find_field(member) == nullptr;
}

std::vector<PathPart> DeclarativeItems::path(const Item& item) const {
  std::vector<PathPart> parts;
  if (item.parent != Item::kNone) parts = path(items_[item.parent]);
  parts.push_back({item.type->name(), 0, false});
  parts.push_back({{}, item.position, true});
  return parts;
}

Uuid DeclarativeItems::find(std::string_view type, std::string_view key_or_id) const {
  const Index& index = indexes_[index_of(type)];
  if (const auto at = index.by_key.find(key_or_id); at != index.by_key.end()) return at->second;
  const auto id = Uuid::parse(key_or_id);
  if (id && index.by_id.contains(*id)) return *id;
  return {};
}

// Ids
// -------------------------------------------------------------------------------------------------------------------

/// Empty, or why the item clashes with one before it.
std::string DeclarativeItems::identify(std::uint32_t at) {
  Item& item = items_[at];
  Index& index = indexes_[item.type_index];
  const std::string& type = item.type->name();
  if (const Json* given = item.source->find("id"); given != nullptr && !given->is_null()) {
    if (!given->is_string()) return {};
    const auto id = Uuid::parse(given->as_string());
    if (!id) return {};  // the field's own rule says so
    item.id = *id;
  } else {
    item.id = make_id(item);
  }
  std::string clash;
  if (!index.by_id.emplace(item.id, at).second) {
    clash = "uniqueness violation: '" + type + "' entity with primary key set to '" + item.id.to_string() +
            "' already declared";
  }
  const std::string& endpoint = item.type->endpoint_key();
  const std::string* key = endpoint.empty() ? nullptr : text(*item.source, endpoint);
  if (key == nullptr || !item.type->find_field(endpoint)->unique) return clash;
  if (!index.by_key.emplace(*key, item.id).second) {
    clash = "uniqueness violation: '" + type + "' entity with " + endpoint + " set to '" + *key + "' already declared";
  }
  return clash;
}

Uuid DeclarativeItems::make_id(const Item& item) {
  const std::string& endpoint = item.type->endpoint_key();
  const std::string* name = endpoint.empty() ? nullptr : text(*item.source, endpoint);
  if (name != nullptr) {
    if (item.type->find_field(endpoint)->unique) return name_ids_.id(item.type->name(), *name);
    // Unique below its parent only: the parent becomes part of the key, in a flat file under the name it has there.
    std::string key = *name;
    for (const auto* field : item.type->foreign_fields()) {
      if (field->on_delete != schema::OnDelete::Cascade) continue;
      if (item.parent != Item::kNone) {
        key += ':' + items_[item.parent].id.to_string();
      } else if (const std::string* parent = text(*item.source, field->name)) {
        key += ':' + *parent;
      } else {
        return Uuid::random();
      }
    }
    return name_ids_.id(item.type->name(), key);
  }
  std::string key = item.type->name() + ":*";  // "*" is the workspace of files that name none
  if (item.type->cache_key().empty() || !append_cache_key(item, key)) return Uuid::random();
  return name_ids_.id(item.type->name(), key);
}

/// False when a column that makes the key unique is missing.
bool DeclarativeItems::append_cache_key(const Item& item, std::string& key) const {
  for (const auto& column : item.type->cache_key()) {
    const schema::Field& field = *item.type->find_field(column);
    const Json* value = item.source->find(column);
    if (field.automatic != schema::Auto::None) return false;
    if (value != nullptr && value->is_string()) {
      key += ':' + value->as_string();
    } else if (value != nullptr && !value->is_null()) {
      // {"id": ..} or {"name": ..}: Kong leaves the column out, which would give two plugins one id.
      const Json* id = value->find("id");
      const Json* name = value->find("name");
      const Json* used = id != nullptr ? id : name;
      if (used == nullptr || !used->is_string()) return false;
      key += ':' + used->as_string();
    } else if (item.link != nullptr && item.link->name == column) {
      key += ':' + items_[item.parent].id.to_string();
    } else if (field.required) {
      return false;
    } else {
      key += ':';
    }
  }
  return true;
}

}  // namespace sluice::entity
