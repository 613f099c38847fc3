// SPDX-License-Identifier: Apache-2.0
#include "cli/state_file.h"

#include <algorithm>
#include <utility>

namespace sluice::cli {
namespace {

std::vector<std::string> strings_of(const Json* list) {
  std::vector<std::string> strings;
  if (list == nullptr || !list->is_array()) return strings;
  for (const Json& entry : list->as_array()) {
    if (entry.is_string()) strings.push_back(entry.as_string());
  }
  return strings;
}

std::string text_of(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

/// "3" of "3.0".
std::string major_of(const std::string& version) {
  return version.substr(0, version.find('.'));
}

/// Joins files one after the other.
class Joining {
 public:
  explicit Joining(StateFile& state) : state_(state) { state_.document = Json::object(); }

  Result<> add(const std::string& name, Json file) {
    if (file.is_null()) return {};
    if (!file.is_object()) return fail(Errc::Invalid, name + ": expected an object");
    TRY(check_version(name, text_of(file, "_format_version")));
    TRY(check_scope(name, file));
    for (auto& [member, value] : file.as_object()) {
      Json& have = state_.document.as_object()[member];
      if (have.is_array() && value.is_array()) {
        std::ranges::move(value.as_array(), std::back_inserter(have.as_array()));
      } else if (have.is_object() && value.is_object()) {
        merge_objects(have, value);
      } else if (!value.is_null()) {
        have = std::move(value);
      }
    }
    return {};
  }

 private:
  Result<> check_version(const std::string& name, const std::string& version) {
    if (version.empty()) return fail(Errc::Invalid, name + ": _format_version: required field missing");
    if (version_.empty()) version_ = version;
    if (major_of(version) == major_of(version_)) return {};
    return fail(Errc::Invalid, name + ": _format_version " + version + " does not go with " + version_ +
                                   " of the files before; see 'sluice file convert'");
  }

  /// A file that says nothing of these goes with any.
  Result<> check_scope(const std::string& name, const Json& file) {
    const std::string workspace = text_of(file, "_workspace");
    if (!workspace.empty() && !state_.workspace.empty() && workspace != state_.workspace) {
      return fail(Errc::Invalid, name + ": _workspace '" + workspace + "' differs from '" + state_.workspace +
                                     "' of the files before");
    }
    if (!workspace.empty()) state_.workspace = workspace;
    const Json* info = file.find("_info");
    auto tags = strings_of(info != nullptr ? info->find("select_tags") : nullptr);
    std::ranges::sort(tags);
    if (!tags.empty() && !state_.select_tags.empty() && tags != state_.select_tags) {
      return fail(Errc::Invalid, name + ": _info.select_tags differ from those of the files before");
    }
    if (tags.size() > 5) return fail(Errc::Invalid, name + ": _info.select_tags: at most 5 tags can be selected by");
    if (!tags.empty()) state_.select_tags = std::move(tags);
    const Json* transform = file.find("_transform");
    if (transform != nullptr && transform->is_bool()) {
      if (transform_given_ && transform->as_bool() != state_.transform) {
        return fail(Errc::Invalid, name + ": _transform differs from that of the files before");
      }
      state_.transform = transform->as_bool();
      transform_given_ = true;
    }
    const Json* lookup = info != nullptr ? info->find("default_lookup_tags") : nullptr;
    if (lookup == nullptr || !lookup->is_object()) return {};
    for (const auto& [type, list] : lookup->as_object()) state_.lookup_tags[type] = strings_of(&list);
    return {};
  }

  StateFile& state_;
  std::string version_;
  bool transform_given_ = false;
};

const schema::EntityBase* child_type(const entity::Catalog& catalog, const schema::EntityBase& parent,
                                     const std::string& member) {
  const schema::EntityBase* type = catalog.find(member);
  if (type == nullptr || parent.find_field(member) != nullptr) return nullptr;
  const auto refers = [&](const schema::Field* field) { return field->reference == parent.name(); };
  return std::ranges::any_of(type->foreign_fields(), refers) ? type : nullptr;
}

using Visit = std::function<void(const schema::EntityBase& type, Json& entity)>;

void visit_list(const entity::Catalog& catalog, const schema::EntityBase& type, Json& list, const Visit& visit) {
  if (!list.is_array()) return;
  for (Json& entity : list.as_array()) {
    if (!entity.is_object()) continue;
    visit(type, entity);
    for (auto& [member, value] : entity.as_object()) {
      if (const auto* child = child_type(catalog, type, member)) visit_list(catalog, *child, value, visit);
    }
  }
}

void add_tags(Json& entity, const std::vector<std::string>& tags) {
  Json& have = entity.as_object()["tags"];
  if (!have.is_array()) have = Json::array();
  for (const std::string& tag : tags) {
    auto& list = have.as_array();
    const auto same = [&](const Json& entry) { return entry.is_string() && entry.as_string() == tag; };
    if (std::ranges::none_of(list, same)) list.emplace_back(tag);
  }
}

/// A plugin's `_config` names a configuration that is shared; what the plugin says itself wins.
Result<> use_shared_config(const Json* shared, Json& plugin) {
  const Json* name = plugin.find("_config");
  if (name == nullptr) return {};
  const Json* config = shared != nullptr && name->is_string() ? shared->find(name->as_string()) : nullptr;
  if (config == nullptr) {
    return fail(Errc::Invalid,
                "plugin " + text_of(plugin, "name") + ": there is no " + to_json(*name) + " in _plugin_configs");
  }
  Json merged = *config;
  if (const Json* own = plugin.find("config"); own != nullptr && own->is_object()) merge_objects(merged, *own);
  plugin.as_object().set("config", std::move(merged));
  plugin.as_object().erase("_config");
  return {};
}

/// What the entity says itself stays, members of objects one by one.
void fill_in(Json& entity, const Json& defaults) {
  for (const auto& [member, value] : defaults.as_object()) {
    Json* have = entity.find(member);
    if (have == nullptr) {
      entity.as_object().append(member, value);
    } else if (have->is_object() && value.is_object()) {
      fill_in(*have, value);
    }
  }
}

}  // namespace

void merge_objects(Json& target, const Json& patch) {
  for (const auto& [member, value] : patch.as_object()) {
    Json& have = target.as_object()[member];
    if (have.is_object() && value.is_object()) {
      merge_objects(have, value);
    } else {
      have = value;
    }
  }
}

Result<StateFile> read_state_file(const std::vector<Input>& inputs, const Environment& environment,
                                  Variables variables) {
  StateFile state;
  Joining joining(state);
  for (const Input& input : inputs) {
    auto text = substitute_environment(input.text, environment, variables);
    if (!text) return fail(input.name + ", ", text.error());
    std::ranges::move(text->values, std::back_inserter(state.environment_values));
    TRY(Json file, parse_input({input.name, std::move(text->text)}));
    TRY(joining.add(input.name, std::move(file)));
  }
  return state;
}

void for_each_entity(const entity::Catalog& catalog, Json& document, const Visit& visit) {
  if (!document.is_object()) return;
  for (auto& [member, list] : document.as_object()) {
    if (const auto* type = catalog.find(member)) visit_list(catalog, *type, list, visit);
  }
}

Result<> complete_entities(const entity::Catalog& catalog, Json& document, const std::vector<std::string>& tags) {
  const Json* info = document.find("_info");
  const Json* given = info != nullptr ? info->find("defaults") : nullptr;
  const Json defaults = given != nullptr && given->is_object() ? *given : Json::object();
  const Json* shared = document.find("_plugin_configs");
  Result<> outcome;
  for_each_entity(catalog, document, [&](const schema::EntityBase& type, Json& entity) {
    if (type.name() == entity::Plugin::kName) {
      if (auto used = use_shared_config(shared, entity); !used && outcome) outcome = std::move(used);
    }
    const Json* own = defaults.find(type.singular());
    if (own != nullptr && own->is_object()) fill_in(entity, *own);
    if (!tags.empty() && type.find_field("tags") != nullptr) add_tags(entity, tags);
  });
  document.as_object().erase("_info");
  document.as_object().erase("_plugin_configs");
  return outcome;
}

}  // namespace sluice::cli
