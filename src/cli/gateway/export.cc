// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/export.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "entity/all.h"

namespace sluice::cli {
namespace {

using schema::EntityBase;

Uuid referred(const Json* reference) {
  const Json* id = reference != nullptr ? reference->find("id") : nullptr;
  return id != nullptr && id->is_string() ? Uuid::parse(id->as_string()).value_or(Uuid{}) : Uuid{};
}

class Export {
 public:
  Export(const entity::Catalog& catalog, const State& state, const ExportOptions& options)
      : catalog_(catalog), state_(state), options_(options) {
    for (const StateEntity& entity : state.entities) {
      if (!entity.id.is_nil()) by_id_.emplace(entity.id, &entity);
    }
    for (const StateEntity& entity : state.entities) {
      const Uuid owner = owner_of(entity);
      owner.is_nil() ? tops_.push_back(&entity) : children_[owner].push_back(&entity);
    }
  }

  Json write() {
    Json::Object file{{"_format_version", "3.0"}};
    if (!options_.workspace.empty()) file.append("_workspace", options_.workspace);
    if (!options_.select_tags.empty()) {
      Json::Array tags(options_.select_tags.begin(), options_.select_tags.end());
      file.append("_info", Json::Object{{"select_tags", std::move(tags)}});
    }
    const auto hashed = [](const StateEntity& entity) {
      return entity.type->name() == entity::BasicauthCredential::kName;
    };
    if (std::ranges::any_of(state_.entities, hashed)) file.append("_transform", false);
    for (const StateEntity* entity : tops_) {
      if (entity->type->name() == "licenses") continue;  // whoever has one keeps it elsewhere
      append(file, entity->type->name(), shown(*entity, nullptr));
    }
    return Json(std::move(file));
  }

 private:
  /// The entity in which this one is nested; nil when it stands at the top.
  [[nodiscard]] Uuid owner_of(const StateEntity& entity) const {
    Uuid owner;
    for (const schema::Field* field : entity.type->foreign_fields()) {
      const Uuid id = referred(entity.document.find(field->name));
      if (id.is_nil()) continue;
      const bool owns = field->on_delete == schema::OnDelete::Cascade || entity.type->name() == entity::Route::kName;
      if (!owns) continue;
      if (entity.type->name() == entity::ConsumerGroupConsumer::kName && field->name != "consumer") continue;
      if (!owner.is_nil() || !by_id_.contains(id)) return {};  // of two owners, or of one that is not here
      owner = id;
    }
    return owner;
  }

  Json shown(const StateEntity& entity, const StateEntity* parent) {
    Json::Object out;
    const std::string& key = entity.type->endpoint_key();
    const Json* name = key.empty() ? nullptr : entity.document.find(key);
    const bool known = (name != nullptr && !name->is_null()) || !entity.type->cache_key().empty();
    if ((options_.with_ids || !known) && !entity.id.is_nil()) out.append("id", entity.id.to_string());
    if (name != nullptr && !name->is_null()) out.append(key, *name);
    const Json defaults = options_.skip_defaults ? defaults_of(entity) : Json::object();
    for (const auto& [member, value] : entity.document.as_object()) {
      if (out.contains(member) || left_out(*entity.type, member, value)) continue;
      const schema::Field* field = entity.type->find_field(member);
      if (field != nullptr && field->type == schema::Type::Foreign) {
        if (parent == nullptr || referred(&value) != parent->id) out.append(member, reference(referred(&value)));
        continue;
      }
      if (member == "partials" && entity.type->name() == entity::Plugin::kName) {
        if (Json links = named_links(entity.document); !links.as_array().empty()) out.append(member, std::move(links));
        continue;
      }
      Json copy = member == "tags" ? own_tags(value) : without_nulls(value);
      if (member == "tags" && copy.as_array().empty()) continue;
      if (const Json* preset = defaults.find(member)) {
        if (*preset == value) continue;
        drop_defaults(copy, *preset);
      }
      out.append(member, std::move(copy));
    }
    for (const StateEntity* child : children_[entity.id]) nest(out, entity, *child);
    return Json(std::move(out));
  }

  void nest(Json::Object& out, const StateEntity& parent, const StateEntity& child) {
    if (child.type->name() == entity::ConsumerGroupConsumer::kName) {
      append(out, "groups", Json::Object{{"name", reference(referred(child.document.find("consumer_group")))}});
    } else {
      append(out, child.type->name(), shown(child, &parent));
    }
  }

  static void append(Json::Object& out, std::string_view list, Json entry) {
    Json& entries = out[list];
    if (!entries.is_array()) entries = Json::array();
    entries.as_array().push_back(std::move(entry));
  }

  [[nodiscard]] static bool left_out(const EntityBase& type, const std::string& member, const Json& value) {
    const schema::Field* field = type.find_field(member);
    const bool stamp = member == "id" || (field != nullptr && (field->automatic == schema::Auto::CreatedAt ||
                                                               field->automatic == schema::Auto::UpdatedAt));
    return stamp || value.is_null();
  }

  [[nodiscard]] std::string reference(const Uuid& id) const {
    const auto at = by_id_.find(id);
    if (at == by_id_.end() || at->second->type->endpoint_key().empty()) return id.to_string();
    const Json* name = at->second->document.find(at->second->type->endpoint_key());
    return name != nullptr && name->is_string() ? name->as_string() : id.to_string();
  }

  /// A plugin's partials by their names, where those are known.
  [[nodiscard]] Json named_links(const Json& plugin) const {
    Json::Array list;
    for (const entity::PartialLink& link : entity::partial_links(plugin)) {
      const std::string name = reference(link.id);
      list.push_back(Json::Object{{name == link.id.to_string() ? "id" : "name", name}, {"path", link.path}});
    }
    return list;
  }

  [[nodiscard]] Json own_tags(const Json& tags) const {
    Json::Array own;
    for (const Json& tag : tags.as_array()) {
      if (std::ranges::find(options_.select_tags, tag.as_string()) == options_.select_tags.end()) own.push_back(tag);
    }
    return own;
  }

  [[nodiscard]] static Json without_nulls(const Json& value) {
    if (!value.is_object()) return value;
    Json::Object out;
    for (const auto& [member, inner] : value.as_object()) {
      if (!inner.is_null()) out.append(member, without_nulls(inner));
    }
    return out;
  }

  [[nodiscard]] Json defaults_of(const StateEntity& entity) const {
    const Json* name = entity.type->name() == entity::Plugin::kName ? entity.document.find("name") : nullptr;
    const schema::RecordBase* plugin = name != nullptr ? catalog_.plugin(name->as_string()) : nullptr;
    Json defaults = entity.type->defaults();
    if (plugin != nullptr) merge_objects(defaults, plugin->defaults());
    return defaults;
  }

  static void drop_defaults(Json& value, const Json& defaults) {
    if (!value.is_object() || !defaults.is_object()) return;
    for (const auto& [member, preset] : defaults.as_object()) {
      Json* have = value.find(member);
      if (have == nullptr) continue;
      if (*have == preset || *have == without_nulls(preset)) {
        value.as_object().erase(member);
      } else {
        drop_defaults(*have, preset);
      }
    }
  }

  const entity::Catalog& catalog_;
  const State& state_;
  const ExportOptions& options_;
  std::unordered_map<Uuid, const StateEntity*> by_id_;
  std::unordered_map<Uuid, std::vector<const StateEntity*>> children_;
  std::vector<const StateEntity*> tops_;
};

}  // namespace

Json export_state(const entity::Catalog& catalog, const State& state, const ExportOptions& options) {
  return Export(catalog, state, options).write();
}

}  // namespace sluice::cli
