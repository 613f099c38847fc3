// SPDX-License-Identifier: Apache-2.0
#include "entity/declarative.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>
#include <utility>

#include "base/assert.h"
#include "base/hash.h"
#include "base/time.h"
#include "entity/all.h"
#include "entity/declarative_items.h"
#include "entity/route_path.h"

namespace sluice::entity {
namespace {

using schema::PathView;
using schema::Violations;

constexpr std::array<std::string_view, 6> kDeckKeys = {"_comment", "_ignore",  "_workspace",
                                                       "_info",    "_konnect", "_plugin_configs"};

/// Checks the members of the file that are no entities. Returns its format version, empty when it has none.
std::string check_top(const Catalog& catalog, const Json& input, Violations& outside) {
  static const schema::Rule kVersions = schema::one_of({"1.1", "2.1", "3.0"});
  const PathView root;
  const Json* version = input.find("_format_version");
  if (version == nullptr || version->is_null()) {
    outside.add(root.member("_format_version"), "required field missing");
  } else if (!version->is_string()) {
    outside.add(root.member("_format_version"), "expected a string");
  } else if (auto problem = kVersions.check(*version)) {
    outside.add(root.member("_format_version"), std::move(*problem));
  }
  const Json* transform = input.find("_transform");
  if (transform != nullptr && !transform->is_null() && !transform->is_bool()) {
    outside.add(root.member("_transform"), "expected a boolean");
  }
  for (const auto& [name, value] : input.as_object()) {
    const bool known = name == "_format_version" || name == "_transform" ||
                       std::ranges::find(kDeckKeys, name) != kDeckKeys.end() || catalog.find(name) != nullptr;
    if (!known) outside.add(root.member(name), "unknown field");
  }
  return version != nullptr && version->is_string() ? version->as_string() : std::string();
}

/// One load of one file.
class Loader {
 public:
  Loader(const Catalog& catalog, const Json& input, const DeclarativeOptions& options)
      : catalog_(catalog), input_(input), items_(catalog, input), seen_(catalog.types().size()) {
    process_.now = options.now != 0 ? options.now : static_cast<double>(unix_millis()) / 1000;
    const Json* transform = input.find("_transform");
    process_.transform = transform == nullptr || !transform->is_bool() || transform->as_bool();
  }

  std::expected<std::vector<Row>, DeclarativeErrors> load() {
    version_ = check_top(catalog_, input_, errors_.outside);
    items_.collect(errors_.outside);
    std::map<std::uint32_t, std::string> clashes;
    items_.identify([&](std::uint32_t item, std::string message) { clashes.emplace(item, std::move(message)); });
    errors_.all.merge(PathView{}, errors_.outside);

    std::vector<std::vector<Row>> by_type(catalog_.types().size());
    for (std::uint32_t i = 0; i < items_.items().size(); ++i) {
      const Item& item = items_.items()[i];
      Violations violations;
      if (const auto clash = clashes.find(i); clash != clashes.end()) violations.add(PathView{}, clash->second);
      Row row = convert(item, violations);
      if (violations.empty()) {
        by_type[item.type_index].push_back(std::move(row));
      } else {
        report(item, std::move(violations));
      }
    }
    if (!errors_.all.empty()) {
      if (only_references_) errors_.references = std::move(references_);
      return std::unexpected(std::move(errors_));
    }
    std::vector<Row> rows;
    rows.reserve(items_.items().size());
    for (auto& list : by_type) std::ranges::move(list, std::back_inserter(rows));
    return rows;
  }

 private:
  Row convert(const Item& item, Violations& violations) {
    Json document = copy(item);
    Violations references;
    resolve(item, document.as_object(), references);
    if (version_ != "3.0" && item.type->name() == Route::kName) mark_regexes(document);
    const bool clashed = !violations.empty();
    resolve_links(item, document, references);
    process_entity(catalog_, *item.type, document, process_, finder_, violations);
    if (violations.empty() && references.empty()) check_unique(item, document, violations);
    if (clashed || !violations.empty() || !errors_.outside.empty()) only_references_ = false;
    violations.merge(PathView{}, std::move(references));
    Row row{item.type, item.id, {}};
    if (violations.empty()) append_json(row.document, document);
    if (violations.empty() && item.type->name() == Partial::kName) partials_.emplace(item.id, std::move(document));
    row.document.shrink_to_fit();
    return row;
  }

  [[nodiscard]] bool left_out(const Item& item, std::string_view name) const {
    return name == "_comment" || name == "_ignore" || items_.is_child_list(item, name);
  }

  [[nodiscard]] Json copy(const Item& item) const {
    Json::Object document;
    const auto& source = item.source->as_object();
    document.reserve(source.size() + 2);
    if (!item.id.is_nil()) document.append("id", item.id.to_string());
    for (const auto& [name, value] : source) {
      if (left_out(item, name) || (name == "id" && !item.id.is_nil())) continue;
      document.append(name, value);
    }
    return document;
  }

  /// Names and ids in foreign fields become `{"id": ..}`.
  void resolve(const Item& item, Json::Object& document, Violations& violations) {
    for (const auto* field : item.type->foreign_fields()) {
      if (field == item.link) {
        document.set(field->name, Json::Object{{"id", items_.items()[item.parent].id.to_string()}});
        continue;
      }
      Json* value = document.find(field->name);
      if (value == nullptr || value->is_null()) continue;
      const std::string* wanted = reference(*field, *value);
      if (wanted == nullptr) continue;  // no reference at all: the field's own type says so
      const Uuid found = items_.find(field->reference, *wanted);
      if (!found.is_nil()) {
        *value = Json::Object{{"id", found.to_string()}};
        continue;
      }
      report_reference(item, field->name, field->reference, value->is_string() ? value->as_string() : to_json(*value),
                       violations);
      *value = Json::Object{{"id", Uuid{}.to_string()}};  // the row is lost; nothing more is to be said of the field
    }
  }

  [[nodiscard]] const std::string* reference(const schema::Field& field, const Json& value) const {
    if (value.is_string()) return &value.as_string();
    const Json* given = value.find("id");
    if (given == nullptr) given = value.find(catalog_.find(field.reference)->endpoint_key());
    return given != nullptr && given->is_string() ? &given->as_string() : nullptr;
  }

  /// Partials are named by id or by name in the links of a plugin.
  void resolve_links(const Item& item, Json& document, Violations& violations) {
    if (item.type->name() != Plugin::kName) return;
    auto links = partial_links(document);
    for (PartialLink& link : links) {
      const std::string wanted = link.id.is_nil() ? link.name : link.id.to_string();
      if (wanted.empty()) return;  // no link at all: the field's own type says so
      const Uuid found = items_.find(Partial::kName, wanted);
      if (found.is_nil()) report_reference(item, "partials", Partial::kName, wanted, violations);
      link = {found.is_nil() ? link.id : found, found.is_nil() ? link.name : std::string(), link.path};
    }
    if (!links.empty()) set_partial_links(document, links);
  }

  void report_reference(const Item& item, const std::string& field, std::string_view other, const std::string& wanted,
                        Violations& violations) {
    std::string message =
        "invalid reference '" + field + ": " + wanted + "' (no such entry in '" + std::string(other) + "')";
    const Json* key = item.source->find(item.type->endpoint_key());
    const std::string at = key != nullptr && key->is_string() ? key->as_string() : item.id.to_string();
    if (!references_.is_object()) references_ = Json::object();
    Json& of_type = references_.as_object()[item.type->name()];
    if (!of_type.is_object()) of_type = Json::object();
    Json& list = of_type.as_object()[at];
    if (!list.is_array()) list = Json::array();
    list.as_array().emplace_back(message);
    const PathView root;
    violations.add(root.member(field), std::move(message));
  }

  /// Before format 3.0 nothing marked a regular expression: a path that cannot be a plain one was one.
  static void mark_regexes(Json& route) {
    Json* paths = route.find("paths");
    if (paths == nullptr || !paths->is_array()) return;
    for (auto& path : paths->as_array()) {
      if (path.is_string() && path.as_string().starts_with('/') && looks_like_regex(path.as_string())) {
        path.as_string().insert(0, 1, '~');
      }
    }
  }

  void check_unique(const Item& item, const Json& document, Violations& violations) {
    auto& seen = seen_[item.type_index];
    for (const auto* field : item.type->unique_fields()) {
      // The endpoint key was compared when the index was built.
      if (field->name == item.type->endpoint_key()) continue;
      const Json* value = document.find(field->name);
      if (value == nullptr || !value->is_string()) continue;
      if (!seen.insert(field->name + ':' + value->as_string()).second) {
        violations.add(PathView{}, "uniqueness violation: '" + item.type->name() + "' entity with " + field->name +
                                       " set to '" + value->as_string() + "' already declared");
      }
    }
    if (item.type->cache_key().empty()) return;
    Json::Object key;
    for (const auto& column : item.type->cache_key()) key.append(column, *document.find(column));
    const Json described = std::move(key);
    if (!seen.insert(to_json(described)).second) {
      violations.add(PathView{}, "uniqueness violation: '" + item.type->name() + "' entity with " +
                                     schema::lua_table_text(described) + " already declared");
    }
  }

  void report(const Item& item, Violations violations) {
    errors_.all.merge(items_.path(item), violations);
    Json::Object entity;
    for (const auto& [name, value] : item.source->as_object()) {
      if (!items_.is_child_list(item, name)) entity.append(name, value);
    }
    if (item.parent != Item::kNone && !entity.contains(item.link->name)) {
      const Json* parent = items_.items()[item.parent].source->find("id");
      if (parent != nullptr) entity.append(item.link->name, Json::Object{{"id", *parent}});
    }
    errors_.entities.push_back({item.type->singular(), std::move(entity), std::move(violations)});
  }

  const Catalog& catalog_;
  const Json& input_;
  DeclarativeItems items_;
  std::vector<std::unordered_set<std::string, StringHash, std::equal_to<>>> seen_;
  schema::ProcessOptions process_;
  std::map<Uuid, Json> partials_;
  const FindPartial finder_ = [this](const Uuid& id) -> std::optional<Json> {
    const auto found = partials_.find(id);
    return found != partials_.end() ? std::optional(found->second) : std::nullopt;
  };
  std::string version_;
  DeclarativeErrors errors_;
  Json references_;
  bool only_references_ = true;
};

}  // namespace

Json Row::json() const {
  auto parsed = parse_json(document);
  SLUICE_ASSERT(parsed.has_value());
  return *std::move(parsed);
}

std::expected<std::vector<Row>, DeclarativeErrors> load_declarative(const Catalog& catalog, const Json& input,
                                                                    const DeclarativeOptions& options) {
  if (!input.is_object()) {
    DeclarativeErrors errors;
    errors.outside.add(PathView{}, "expected an object with _format_version");
    errors.all = errors.outside;
    return std::unexpected(std::move(errors));
  }
  return Loader(catalog, input, options).load();
}

}  // namespace sluice::entity
