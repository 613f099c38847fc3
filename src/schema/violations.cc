// SPDX-License-Identifier: Apache-2.0
#include "schema/violations.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::schema {
namespace {

constexpr std::string_view kEntity = "@entity";
constexpr int kSchemaViolation = 2;  // Kong's error code

void append_path(std::vector<PathPart>& parts, const PathView& path) {
  if (path.parent != nullptr) append_path(parts, *path.parent);
  if (path.is_index) parts.push_back({{}, path.index, true});
  if (!path.name.empty()) parts.push_back({std::string(path.name), 0, false});
}

Json& child(Json& parent, const PathPart& part) {
  if (part.is_index) {
    if (!parent.is_array()) parent = Json::array();
    auto& items = parent.as_array();
    if (items.size() <= part.index) items.resize(part.index + 1);
    return items[part.index];
  }
  if (!parent.is_object()) parent = Json::object();
  return parent.as_object()[part.name];
}

void place(Json& root, const Violation& violation) {
  Json* at = &root;
  for (const auto& part : violation.path) {
    // A message about the whole field stands already; what is inside it cannot be shown beside it.
    if (at->is_string()) return;
    at = &child(*at, part);
  }
  if (violation.entity) {
    if (at->is_string()) return;
    Json& list = child(*at, {std::string(kEntity), 0, false});
    if (!list.is_array()) list = Json::array();
    list.as_array().emplace_back(violation.message);
  } else if (at->is_null()) {
    *at = violation.message;
  }
}

struct Named {
  std::string name;
  const Json* value;
};

/// Members by name, or elements by position from 1: what iterating over Lua's sorted keys gives.
std::vector<Named> entries(const Json& value) {
  std::vector<Named> result;
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) result.push_back({name, &member});
    std::ranges::sort(result, {}, &Named::name);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.as_array().size(); ++i) {
      if (!value.as_array()[i].is_null()) result.push_back({std::to_string(i + 1), &value.as_array()[i]});
    }
  }
  return result;
}

}  // namespace

std::string Violation::where() const {
  std::string result;
  for (const auto& part : path) {
    if (part.is_index) {
      result += fmt::format("[{}]", part.index);
    } else {
      if (!result.empty()) result += '.';
      result += part.name;
    }
  }
  return result;
}

void Violations::add(const PathView& path, std::string message) {
  Violation& item = items_.emplace_back();
  append_path(item.path, path);
  item.message = std::move(message);
}

void Violations::add_entity(const PathView& path, std::string message) {
  add(path, std::move(message));
  items_.back().entity = true;
}

void Violations::merge(const PathView& path, Violations other) {
  std::vector<PathPart> parts;
  append_path(parts, path);
  merge(parts, std::move(other));
}

void Violations::merge(const std::vector<PathPart>& path, Violations other) {
  for (auto& item : other.items_) {
    std::vector<PathPart> parts = path;
    std::ranges::move(item.path, std::back_inserter(parts));
    item.path = std::move(parts);
    items_.push_back(std::move(item));
  }
}

bool Violations::touches(std::string_view name) const {
  return std::ranges::any_of(items_, [&](const Violation& item) {
    return !item.path.empty() && !item.path.front().is_index && item.path.front().name == name;
  });
}

Json Violations::fields() const {
  Json root = Json::object();
  for (const auto& item : items_) place(root, item);
  return root;
}

std::string Violations::message() const {
  std::vector<std::string> parts;
  const Json tree = fields();
  if (const Json* list = tree.find(kEntity)) {
    for (const auto& item : list->as_array()) parts.push_back(item.as_string());
  }
  for (const auto& [name, value] : entries(tree)) {
    if (name == kEntity) continue;
    if (value->is_string()) {
      parts.push_back(name + ": " + value->as_string());
      continue;
    }
    for (const auto& [inner, detail] : entries(*value)) {
      parts.push_back(fmt::format("{}.{}: {}", name, inner,
                                  detail->is_string() ? detail->as_string() : lua_table_text(*detail, "  ")));
    }
  }
  if (parts.size() == 1) return fmt::format("schema violation ({})", parts.front());
  return fmt::format("{} schema violations ({})", parts.size(), fmt::join(parts, "; "));
}

Json Violations::body() const {
  return Json::Object{
      {"code", kSchemaViolation}, {"name", "schema violation"}, {"message", message()}, {"fields", fields()}};
}

Json Violations::flattened() const {
  Json::Array result;
  for (const auto& item : items_) {
    Json::Object one{{"type", item.entity ? "entity" : "field"}, {"message", item.message}};
    std::string field;
    for (const auto& part : item.path) {
      if (!field.empty()) field += '.';
      field += part.is_index ? std::to_string(part.index + 1) : part.name;
    }
    if (!item.entity && field.empty()) one.set("type", "entity");
    if (!item.entity && !field.empty()) one.set("field", std::move(field));
    result.emplace_back(std::move(one));
  }
  return result;
}

std::string Violations::text() const {
  std::string result;
  for (const auto& item : items_) {
    if (!result.empty()) result += '\n';
    const std::string path = item.where();
    result += path.empty() ? item.message : path + ": " + item.message;
  }
  return result;
}

}  // namespace sluice::schema
