// SPDX-License-Identifier: Apache-2.0
#include "schema/contract.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "base/yaml.h"
#include "schema/published.h"

namespace sluice::schema {
namespace {

std::string text(const Json* value) {
  return value == nullptr ? "nothing" : to_json(*value);
}

bool equal(const Json* a, const Json* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return *a == *b;
}

std::set<std::string> as_set(const Json* list) {
  std::set<std::string> result;
  if (list == nullptr || !list->is_array()) return result;
  for (const auto& item : list->as_array()) result.insert(to_json(item));
  return result;
}

/// What the described value is when the input leaves it out: its own default, else that of its members.
Json effective_default(const Json& described) {
  if (const Json* own = described.find("default")) return *own;
  const Json* properties = described.find("properties");
  if (properties == nullptr) return nullptr;
  Json::Object members;
  for (const auto& [name, member] : properties->as_object()) members.append(name, effective_default(member));
  return members;
}

/// Whether `ours` has everything that `theirs` names; members that theirs leaves out do not matter.
bool covers(const Json& ours, const Json& theirs) {
  if (!theirs.is_object()) return ours == theirs;
  return std::ranges::all_of(theirs.as_object(), [&](const auto& member) {
    const Json* own = ours.find(member.first);
    return own != nullptr && covers(*own, member.second);
  });
}

class Comparison {
 public:
  explicit Comparison(const ContractOptions& options) : options_(options) {}

  void records(const Json& ours, const Json& published, const std::string& path) {
    static const Json kNone = Json::object();
    const Json* mine = ours.find("properties");
    const Json* theirs = published.find("properties");
    if (mine == nullptr) mine = &kNone;
    if (theirs == nullptr) theirs = &kNone;
    for (const auto& [name, field] : theirs->as_object()) {
      const std::string at = join(path, name);
      if (left_out(at)) continue;
      if (const Json* own = mine->find(name)) {
        fields(*own, field, at);
      } else {
        report(at, "missing");
      }
    }
    for (const auto& [name, field] : mine->as_object()) {
      if (theirs->find(name) == nullptr && !left_out(join(path, name))) report(join(path, name), "not in the contract");
    }
    compare_required(ours.find("required"), published.find("required"), path);
  }

  std::vector<std::string> differences;

 private:
  static std::string join(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
  }

  [[nodiscard]] bool left_out(const std::string& path) const {
    return std::ranges::find(options_.left_out, path) != options_.left_out.end();
  }

  [[nodiscard]] bool tolerated(const std::string& path) const { return left_out(path) || left_out(path + ":required"); }

  void report(const std::string& path, const std::string& what) { differences.push_back(path + ": " + what); }

  void compare(const Json& ours, const Json& published, std::string_view attribute, const std::string& path) {
    if (left_out(fmt::format("{}:{}", path, attribute))) return;
    const Json* mine = ours.find(attribute);
    const Json* theirs = published.find(attribute);
    if (equal(mine, theirs)) return;
    report(path, fmt::format("{} is {}, the contract says {}", attribute, text(mine), text(theirs)));
  }

  void compare_required(const Json* mine, const Json* theirs, const std::string& path) {
    const auto own = as_set(mine);
    const auto listed = as_set(theirs);
    const auto named = [&](const std::string& quoted) { return join(path, quoted.substr(1, quoted.size() - 2)); };
    for (const auto& name : listed) {
      if (!own.contains(name) && !tolerated(named(name))) report(named(name), "required in the contract");
    }
    for (const auto& name : own) {
      if (!listed.contains(name) && !tolerated(named(name))) report(named(name), "not required in the contract");
    }
  }

  void compare_default(const Json& ours, const Json& published, const std::string& path) {
    const Json* theirs = published.find("default");
    if (theirs == nullptr || !theirs->is_object()) return compare(ours, published, "default", path);
    // A contract lists only those members of a record's default that differ from the record's own.
    const Json mine = effective_default(ours);
    if (left_out(path + ":default") || covers(mine, *theirs)) return;
    report(path, fmt::format("default is {}, the contract says {}", to_json(mine), to_json(*theirs)));
  }

  void fields(const Json& ours, const Json& published, const std::string& path) {
    compare(ours, published, "type", path);
    compare_default(ours, published, path);
    if (as_set(ours.find("enum")) != as_set(published.find("enum")) && !left_out(path + ":enum")) {
      report(path,
             fmt::format("enum is {}, the contract says {}", text(ours.find("enum")), text(published.find("enum"))));
    }
    for (std::string_view attribute :
         {"minimum", "maximum", "minLength", "maxLength", "x-referenceable", "x-encrypted"}) {
      compare(ours, published, attribute, path);
    }
    const Json* items = published.find("items");
    if (items != nullptr && items->is_object()) {
      if (const Json* own = ours.find("items")) {
        fields(*own, *items, path);
      } else {
        report(path, "elements are missing");
      }
    }
    const Json* values = published.find("additionalProperties");
    if (values != nullptr && values->is_object() && ours.find("additionalProperties") == nullptr) {
      report(path, "is no map");
    } else if (values != nullptr && values->is_object()) {
      fields(*ours.find("additionalProperties"), *values, path);
    }
    if (published.find("properties") != nullptr || ours.find("properties") != nullptr) records(ours, published, path);
  }

  const ContractOptions& options_;
};

}  // namespace

std::optional<Json> load_contract(std::string_view path) {
  const char* shared = std::getenv("SLUICE_SHARED");
  const std::string name = std::string(shared != nullptr ? shared : "../shared") + "/specs/" + std::string(path);
  std::ifstream file(name, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto parsed = path.ends_with(".yaml") ? parse_yaml(content) : parse_json(content);
  if (!parsed) return std::nullopt;
  return *std::move(parsed);
}

std::vector<std::string> compare_contract(const RecordBase& ours, const Json& published,
                                          const ContractOptions& options) {
  Comparison comparison(options);
  comparison.records(json_schema(ours), published, "");
  return comparison.differences;
}

std::optional<std::vector<std::string>> compare_plugin_contract(const RecordBase& config, std::string_view spec_name,
                                                                const ContractOptions& options) {
  const auto contract = load_contract(fmt::format("plugins-3.10/{}.json", spec_name));
  if (!contract) return std::nullopt;
  const Json* properties = contract->find("properties");
  const Json* published = properties != nullptr ? properties->find("config") : nullptr;
  if (published == nullptr) return std::vector<std::string>{"the contract has no config"};
  return compare_contract(config, *published, options);
}

std::optional<std::vector<std::string>> compare_plugin_scopes(const RecordBase& plugin, std::string_view spec_name,
                                                              ContractOptions options) {
  const auto contract = load_contract(fmt::format("plugins-3.10/{}.json", spec_name));
  if (!contract) return std::nullopt;
  options.left_out.emplace_back("config");
  return compare_contract(plugin, *contract, options);
}

}  // namespace sluice::schema
