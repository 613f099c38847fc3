// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <utility>

#include "base/strings.h"
#include "cli/file/edit.h"

namespace sluice::cli {
namespace {

Result<std::vector<std::string>> strings_of(const Json& object, std::string_view member, const std::string& where) {
  std::vector<std::string> strings;
  const Json* list = object.find(member);
  if (list == nullptr || list->is_null()) return strings;
  if (!list->is_array())
    return fail(Errc::Invalid, where + "." + std::string(member) + ": expected an array of strings");
  for (const Json& entry : list->as_array()) {
    if (!entry.is_string())
      return fail(Errc::Invalid, where + "." + std::string(member) + ": expected an array of strings");
    strings.push_back(entry.as_string());
  }
  return strings;
}

/// The list under `member` of a patch or plugin file.
Result<const Json::Array*> entries_of(const Json& file, std::string_view member) {
  const Json* version = file.find("_format_version");
  if (version == nullptr || !version->is_string() || !version->as_string().starts_with("1.")) {
    return fail(Errc::Invalid, "_format_version: \"1.0\" is expected of such a file");
  }
  const Json* list = file.find(member);
  if (list == nullptr || !list->is_array()) return fail(Errc::Invalid, std::string(member) + ": expected an array");
  for (const Json& entry : list->as_array()) {
    if (!entry.is_object()) return fail(Errc::Invalid, std::string(member) + ": expected an array of objects");
  }
  return &list->as_array();
}

bool has_name(const Json& plugin, const Json& name) {
  const Json* have = plugin.find("name");
  return have != nullptr && *have == name;
}

Result<> add_to(Json& owner, const PluginAddition& addition) {
  Json& list = owner.as_object()["plugins"];
  if (list.is_null()) list = Json::array();
  if (!list.is_array()) return fail(Errc::Invalid, "plugins: expected an array");
  for (const Json& plugin : addition.plugins) {
    const Json* name = plugin.find("name");
    if (name == nullptr || !name->is_string()) return fail(Errc::Invalid, "a plugin to add has no name");
    bool present = false;
    for (Json& have : list.as_array()) {
      if (!has_name(have, *name)) continue;
      present = true;
      if (addition.overwrite) have = plugin;
      break;
    }
    if (!present) list.as_array().push_back(plugin);
  }
  return {};
}

}  // namespace

Result<std::vector<PathMatch>> select_all(Json& document, const std::vector<std::string>& selectors) {
  std::vector<PathMatch> all;
  std::set<const Json*> seen;
  for (const std::string& selector : selectors) {
    TRY(const JsonPath path, JsonPath::parse(selector));
    for (PathMatch& match : path.select(document)) {
      if (match.value != nullptr && seen.insert(match.value).second) all.push_back(std::move(match));
    }
  }
  return all;
}

Result<std::vector<Patch>> read_patches(const Json& file) {
  TRY(const auto* entries, entries_of(file, "patches"));
  std::vector<Patch> patches;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const Json& entry = (*entries)[i];
    const std::string where = "patches[" + std::to_string(i) + "]";
    Patch patch;
    TRY(patch.selectors, strings_of(entry, "selectors", where));
    if (patch.selectors.empty()) return fail(Errc::Invalid, where + ".selectors: at least one is needed");
    TRY(patch.remove, strings_of(entry, "remove", where));
    const Json* values = entry.find("values");
    if (values != nullptr && values->is_object()) {
      patch.values = values->as_object();
    } else if (values != nullptr && values->is_array()) {
      patch.append = values->as_array();
    } else if (values != nullptr && !values->is_null()) {
      return fail(Errc::Invalid, where + ".values: expected an object or an array");
    }
    patches.push_back(std::move(patch));
  }
  return patches;
}

Result<Patch> patch_of(std::vector<std::string> selectors, const std::vector<std::string>& values) {
  Patch patch;
  patch.selectors = std::move(selectors);
  if (patch.selectors.empty()) patch.selectors = {"$"};
  for (const std::string& value : values) {
    if (trim(value).starts_with('[')) {
      TRY(Json list, parse_json(value));
      patch.append.insert(patch.append.end(), list.as_array().begin(), list.as_array().end());
      continue;
    }
    const std::size_t colon = value.find(':');
    if (colon == std::string::npos || colon == 0) {
      return fail(Errc::Invalid, "--value: expected key:json, key: or [json, ...], not '" + value + "'");
    }
    std::string key(trim(value.substr(0, colon)));
    const std::string_view text = trim(std::string_view(value).substr(colon + 1));
    if (text.empty()) {
      patch.remove.push_back(std::move(key));
      continue;
    }
    auto parsed = parse_json(text);
    if (!parsed) return fail("--value " + key + ": ", parsed.error());
    patch.values.set(key, *std::move(parsed));
  }
  return patch;
}

Result<> apply_patch(Json& document, const Patch& patch) {
  TRY(const auto matches, select_all(document, patch.selectors));
  for (const PathMatch& match : matches) {
    if (match.value->is_array()) {
      auto& list = match.value->as_array();
      list.insert(list.end(), patch.append.begin(), patch.append.end());
      continue;
    }
    if (!match.value->is_object()) continue;
    for (const auto& [name, value] : patch.values) match.value->as_object().set(name, value);
    for (const std::string& name : patch.remove) match.value->as_object().erase(name);
  }
  return {};
}

Result<std::vector<PluginAddition>> read_plugin_additions(const Json& file) {
  TRY(const auto* entries, entries_of(file, "add-plugins"));
  std::vector<PluginAddition> additions;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const Json& entry = (*entries)[i];
    const std::string where = "add-plugins[" + std::to_string(i) + "]";
    PluginAddition addition;
    TRY(addition.selectors, strings_of(entry, "selectors", where));
    const Json* plugins = entry.find("plugins");
    if (plugins == nullptr || !plugins->is_array()) return fail(Errc::Invalid, where + ".plugins: expected an array");
    addition.plugins = plugins->as_array();
    const Json* overwrite = entry.find("overwrite");
    addition.overwrite = overwrite != nullptr && overwrite->is_bool() && overwrite->as_bool();
    additions.push_back(std::move(addition));
  }
  return additions;
}

Result<> add_plugins(Json& document, const PluginAddition& addition) {
  const std::vector<std::string> top = {"$"};
  TRY(const auto matches, select_all(document, addition.selectors.empty() ? top : addition.selectors));
  for (const PathMatch& match : matches) {
    if (!match.value->is_object()) return fail(Errc::Invalid, match.where() + ": plugins can only be added to objects");
    auto added = add_to(*match.value, addition);
    if (!added) return fail(match.where() + ".", added.error());
  }
  return {};
}

}  // namespace sluice::cli
