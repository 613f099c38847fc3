// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/time.h"
#include "control/publish/change.h"
#include "crypto/hash.h"
#include "entity/name_id.h"

namespace sluice::control::publish {
namespace {

using entity::DeclarativeErrors;
using schema::EntityBase;
using schema::PathPart;
using schema::PathView;
using schema::Violations;

const std::string* text(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? &value->as_string() : nullptr;
}

/// One entity of the batch.
struct Item {
  const EntityBase* type = nullptr;
  const Json* source = nullptr;
  std::size_t position = 0;  // in its list
  Uuid id;                   // nil: to be found by what is unique about it, or made up
};

class Edit final : public Change {
 public:
  Edit(const entity::Catalog& catalog, Json batch) : catalog_(catalog), batch_(std::move(batch)) {}

  std::expected<sync::Delta, DeclarativeErrors> prepare(const store::MemoryStore& store) override {
    store_ = &store;
    if (collect()) {
      for (Item& item : items_) identify(item);
      remove();
      for (Item& item : items_) upsert(item);
      check_removals();
    }
    if (!errors_.all.empty()) return std::unexpected(std::move(errors_));
    for (const auto& [type, ids] : removed_) {
      for (const Uuid& id : ids) delta_.removals.push_back({type, id});
    }
    delta_.hash = crypto::md5_hex(store.hash() + to_json(batch_));
    return std::move(delta_);
  }

  [[nodiscard]] DeclarativeErrors locate(const std::vector<sync::ConfigProblem>& problems) const override {
    DeclarativeErrors errors;
    for (const auto& problem : problems) {
      Violations one;
      one.add({field_path({}, problem.field), problem.message, problem.field.empty()});
      const Item* item = find(problem.type, problem.id);
      if (item != nullptr) {
        add(*item, std::move(one), errors);
        continue;
      }
      errors.outside.merge({{problem.type, 0, false}}, one);
      errors.all.merge({{problem.type, 0, false}}, std::move(one));
    }
    return errors;
  }

 private:
  /// Below the list of the batch in which it stands.
  static void add(const Item& item, Violations violations, DeclarativeErrors& errors) {
    errors.all.merge({{"upsert", 0, false}, {item.type->name(), 0, false}, {{}, item.position, true}}, violations);
    errors.entities.push_back({item.type->singular(), *item.source, std::move(violations)});
  }

  void report(std::vector<PathPart> path, std::string message) {
    errors_.outside.add({path, message, false});
    errors_.all.add({std::move(path), std::move(message), false});
  }

  /// Finds the lists of the batch; false when its shape is wrong.
  bool collect() {
    if (!batch_.is_object()) report({{"upsert", 0, false}}, "required field missing");
    if (!batch_.is_object()) return false;
    for (const auto& [action, lists] : batch_.as_object()) {
      if (action != "upsert" && action != "delete") {
        report({{action, 0, false}}, "unknown field");
      } else if (!lists.is_object()) {
        report({{action, 0, false}}, "expected a record");
      } else {
        collect(action, lists.as_object());
      }
    }
    return errors_.all.empty();
  }

  void collect(const std::string& action, const Json::Object& lists) {
    for (const auto& [name, list] : lists) {
      if (catalog_.find(name) == nullptr) {
        report({{action, 0, false}, {name, 0, false}}, "unknown field");
      } else if (!list.is_array()) {
        report({{action, 0, false}, {name, 0, false}}, "expected an array");
      } else {
        check_elements(action, name, list.as_array());
      }
    }
    if (action != "upsert" || !errors_.all.empty()) return;
    for (const auto& type : catalog_.types()) {  // in the order of their references
      const Json* list = lists.find(type->name());
      for (std::size_t i = 0; list != nullptr && i < list->as_array().size(); ++i) {
        items_.push_back({type.get(), &list->as_array()[i], i, {}});
      }
    }
  }

  void check_elements(const std::string& action, const std::string& type, const Json::Array& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const bool right = action == "upsert" ? list[i].is_object() : list[i].is_string();
      const char* message = action == "upsert" ? "expected a record" : "expected a string";
      if (!right) report({{action, 0, false}, {type, 0, false}, {{}, i, true}}, message);
    }
  }

  /// The id that the input gives, or that its name has or would have in a file.
  void identify(Item& item) {
    const EntityBase& type = *item.type;
    const std::string* given = text(*item.source, "id");
    const std::string* key = type.endpoint_key().empty() ? nullptr : text(*item.source, type.endpoint_key());
    if (key != nullptr && !type.find_field(type.endpoint_key())->unique) key = nullptr;
    if (given != nullptr) {
      item.id = Uuid::parse(*given).value_or(Uuid{});
    } else if (key != nullptr) {
      item.id = store_->table(type.name()).find_unique(type.endpoint_key(), *key);
      if (item.id.is_nil()) item.id = names_.id(type.name(), *key);
    }
    if (key != nullptr) by_key_.emplace(std::pair(type.name(), *key), item.id);
    if (!item.id.is_nil()) given_.emplace(type.name(), item.id);
  }

  // Upserts
  // -----------------------------------------------------------------------------------------------------------------

  void upsert(Item& item) {
    const std::string& name = item.type->name();
    Violations violations;
    Json document = *item.source;
    resolve(item, document.as_object(), violations);
    const store::Table& table = store_->table(name);
    if (!item.id.is_nil()) keep_stamp(table, item.id, document.as_object());
    if (!item.id.is_nil()) document.as_object().set("id", item.id.to_string());
    item.type->process_at(document, PathView{}, {.now = now_}, violations);
    if (!violations.empty()) return add(item, std::move(violations), errors_);

    std::string canonical = to_json(document);
    if (item.id.is_nil()) canonical = adopt(item, table, document, std::move(canonical));
    check_unique(item, table, document, canonical, violations);
    if (!violations.empty()) return add(item, std::move(violations), errors_);
    removed_[name].erase(item.id);
    delta_.upserts.push_back({name, item.id, std::make_shared<const std::string>(std::move(canonical))});
  }

  /// An entity without id and name is the one with its cache key, if that exists; else it got a new id.
  std::string adopt(Item& item, const store::Table& table, Json& document, std::string canonical) {
    item.id = table.find_same_key(canonical);
    if (item.id.is_nil()) {
      item.id = *Uuid::parse(document.find("id")->as_string());
      return canonical;
    }
    document.as_object().set("id", item.id.to_string());
    keep_stamp(table, item.id, document.as_object());
    return to_json(document);
  }

  /// What is replaced keeps the time when it was made, unless the input gives one.
  void keep_stamp(const store::Table& table, const Uuid& id, Json::Object& document) const {
    const sync::Document* before = table.find(id);
    if (before == nullptr) return;
    const Json* given = document.find("created_at");
    if (given != nullptr && !(given->is_number() && given->number() == now_)) return;
    const auto old = parse_json(**before);
    if (const Json* stamp = old ? old->find("created_at") : nullptr) document.set("created_at", *stamp);
  }

  void resolve(const Item& item, Json::Object& document, Violations& violations) const {
    for (const auto* field : item.type->foreign_fields()) {
      Json* value = document.find(field->name);
      if (value == nullptr || value->is_null()) continue;
      const EntityBase& type = *catalog_.find(field->reference);
      const std::string* wanted = value->is_string() ? &value->as_string() : text(*value, "id");
      if (wanted == nullptr) wanted = text(*value, type.endpoint_key());
      if (wanted == nullptr) continue;  // no reference at all: the field's own type says so
      const Uuid found = find_reference(type, *wanted);
      if (found.is_nil()) {
        const PathView root;
        violations.add(root.member(field->name), "invalid reference '" + field->name + ": " + *wanted +
                                                     "' (no such entry in '" + field->reference + "')");
      }
      *value = Json::Object{{"id", found.to_string()}};
    }
  }

  [[nodiscard]] Uuid find_reference(const EntityBase& type, const std::string& key_or_id) const {
    if (const auto at = by_key_.find({type.name(), key_or_id}); at != by_key_.end()) return at->second;
    const Uuid id = find_stored(type, key_or_id, &given_);
    const auto removed = removed_.find(type.name());
    const bool gone = removed != removed_.end() && removed->second.contains(id);
    return gone && !given_.contains({type.name(), id}) ? Uuid{} : id;
  }

  using Given = std::set<std::pair<std::string, Uuid>>;
  [[nodiscard]] Uuid find_stored(const EntityBase& type, const std::string& key_or_id, const Given* given) const {
    const store::Table& table = store_->table(type.name());
    const auto id = Uuid::parse(key_or_id);
    if (id && (table.find(*id) != nullptr || (given != nullptr && given->contains({type.name(), *id})))) return *id;
    const std::string& key = type.endpoint_key();
    if (key.empty() || !type.find_field(key)->unique) return {};
    return table.find_unique(key, key_or_id);
  }

  void check_unique(const Item& item, const store::Table& table, const Json& document, const std::string& canonical,
                    Violations& violations) {
    const std::string& name = item.type->name();
    const auto taken = [&](std::string key, const Uuid& holder) {
      const auto [at, fresh] = unique_.emplace(name + ' ' + std::move(key), item.id);
      const bool stays =
          !holder.is_nil() && holder != item.id && !given_.contains({name, holder}) && !removed_[name].contains(holder);
      return !fresh || stays;
    };
    const auto clash = [&](const std::string& what) {
      violations.add(PathView{}, "uniqueness violation: '" + name + "' entity with " + what + " already declared");
    };
    if (taken("id " + item.id.to_string(), {})) clash("primary key set to '" + item.id.to_string() + "'");
    for (const auto* field : item.type->unique_fields()) {
      const std::string* value = text(document, field->name);
      if (value == nullptr) continue;
      if (taken(field->name + ' ' + *value, table.find_unique(field->name, *value))) {
        clash(field->name + " set to '" + *value + "'");
      }
    }
    if (item.type->cache_key().empty()) return;
    Json::Object key;
    for (const auto& column : item.type->cache_key()) key.append(column, *document.find(column));
    const Json described = std::move(key);
    if (taken("key " + to_json(described), table.find_same_key(canonical))) clash(schema::lua_table_text(described));
  }

  // Removals
  // -----------------------------------------------------------------------------------------------------------------

  void remove() {
    const Json* lists = batch_.find("delete");
    if (lists == nullptr) return;
    for (const auto& [name, list] : lists->as_object()) {
      const EntityBase& type = *catalog_.find(name);
      for (std::size_t i = 0; i < list.as_array().size(); ++i) {
        const Uuid id = find_stored(type, list.as_array()[i].as_string(), nullptr);
        if (id.is_nil() || !removed_[name].insert(id).second) continue;
        wanted_.push_back({&type, nullptr, i, id});
        cascade(type, id);
      }
    }
  }

  /// Whatever cannot be without it goes too.
  void cascade(const EntityBase& type, const Uuid& id) {
    for_each_dependent(type, id, [&](const EntityBase& owner, const schema::Field& field, const Uuid& dependent) {
      if (field.on_delete != schema::OnDelete::Cascade) return;
      if (removed_[owner.name()].insert(dependent).second) cascade(owner, dependent);
    });
  }

  /// What refers to a removed entity and stays as it was forbids the removal.
  void check_removals() {
    for (const Item& item : wanted_) {
      if (!removed_[item.type->name()].contains(item.id)) continue;  // put back by the same change
      for_each_dependent(*item.type, item.id, [&](const EntityBase& owner, const schema::Field&, const Uuid& id) {
        if (removed_[owner.name()].contains(id) || given_.contains({owner.name(), id})) return;
        report({{"delete", 0, false}, {item.type->name(), 0, false}, {{}, item.position, true}},
               "an existing '" + owner.name() + "' entity references this '" + item.type->name() + "' entity");
      });
    }
  }

  template <class Visit>
  void for_each_dependent(const EntityBase& type, const Uuid& id, const Visit& visit) const {
    for (const auto& owner : catalog_.types()) {
      for (const auto* field : owner->foreign_fields()) {
        if (field->reference != type.name()) continue;
        const store::Ids* found = store_->table(owner->name()).find_all(field->name, id.to_string());
        if (found == nullptr) continue;
        for (const Uuid& dependent : *found) visit(*owner, *field, dependent);
      }
    }
  }

  [[nodiscard]] const Item* find(const std::string& type, const Uuid& id) const {
    for (const Item& item : items_) {
      if (item.id == id && item.type->name() == type) return &item;
    }
    return nullptr;
  }

  const entity::Catalog& catalog_;
  const Json batch_;
  const double now_ = static_cast<double>(unix_seconds());
  const store::MemoryStore* store_ = nullptr;
  entity::NameIds names_;
  std::deque<Item> items_;
  std::deque<Item> wanted_;  // removals that were asked for
  std::map<std::pair<std::string, std::string>, Uuid> by_key_;
  Given given_;  // what the batch puts, by type and id
  std::map<std::string, std::set<Uuid>> removed_;
  std::map<std::string, Uuid> unique_;
  sync::Delta delta_;
  DeclarativeErrors errors_;
};

}  // namespace

std::unique_ptr<Change> edit(const entity::Catalog& catalog, Json batch) {
  return std::make_unique<Edit>(catalog, std::move(batch));
}

}  // namespace sluice::control::publish
