// SPDX-License-Identifier: Apache-2.0
#include "control/admin/reference_page.h"

#include <map>
#include <string_view>
#include <vector>

#include "base/strings.h"

namespace sluice::control::admin {
namespace {

constexpr std::string_view kHead = R"(# Admin API

<!-- Made from /openapi.json. To make it anew: UPDATE_GOLDEN=1 build/dev/tests/control_test -->

JSON over HTTP, by default on `127.0.0.1:8001`. A running gateway describes itself in the same words: `/openapi.json` is
this page for programs, `/schemas/...` says what entities look like, `/endpoints` lists the paths.

- **Lists** come in pages: `size` (1 to 1000, else 100), `offset` of the page before, `tags=a,b` (all of them) or
  `tags=a/b` (any). The answer is `{"data": [...], "next": ..., "offset": ...}`.
- **POST** makes an entity, **PUT** makes it or replaces it whole, **PATCH** changes what the body names, **DELETE**
  answers 204 also when there was nothing. Bodies are JSON, forms or multipart forms.
- **Names** stand for ids in paths wherever an entity has a name that is unique.
- **Workspaces**: any path of an entity may begin with the name of one, `/team/services`.
- **References** are `{"id": "..."}`; in files and batches names will do.
- **Errors** are `{"code", "name", "message", "fields"}`; `fields` says what is wrong with which field.
- **ETag**, `If-Match` and `If-None-Match` guard against overwriting what somebody else wrote meanwhile.
- A write is live on this node when its answer arrives, unless `admin_wait_until_live` is off.
)";

std::string text(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

/// Within a cell of a table.
std::string cell(std::string_view content) {
  std::string out;
  for (const char c : content) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

/// An object of which only the id counts.
bool is_reference(const Json& field) {
  const Json* members = field.find("properties");
  return members != nullptr && members->as_object().size() == 1 && members->find("id") != nullptr;
}

std::string type_of(const Json& field) {
  if (is_reference(field)) return "reference";
  const std::string type = text(field, "type");
  const Json* items = field.find("items");
  if (type == "array" && items != nullptr) return "array of " + type_of(*items);
  return type.empty() ? "any" : type;
}

/// What may stand in a field, as far as the document says so.
std::string limits_of(const Json& field) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view member, std::string_view words) {
    if (const Json* value = field.find(member)) parts.push_back(std::string(words) + to_json(*value));
  };
  if (const Json* values = field.find("enum"); values != nullptr && values->is_array()) {
    std::string list;
    for (const Json& value : values->as_array())
      list += (list.empty() ? "`" : ", `") + (value.is_string() ? value.as_string() : to_json(value)) + "`";
    parts.push_back(list);
  }
  add("minimum", "at least ");
  add("exclusiveMinimum", "more than ");
  add("maximum", "at most ");
  add("minLength", "length at least ");
  add("maxLength", "length at most ");
  return join(parts, ", ");
}

bool is_required(const Json& schema, const std::string& name) {
  const Json* required = schema.find("required");
  if (required == nullptr || !required->is_array()) return false;
  for (const Json& one : required->as_array()) {
    if (one.is_string() && one.as_string() == name) return true;
  }
  return false;
}

/// The fields of an entity, those of records below them.
void add_fields(std::string& out, const Json& schema, const std::string& prefix) {
  const Json* fields = schema.find("properties");
  if (fields == nullptr || !fields->is_object()) return;
  for (const auto& [name, field] : fields->as_object()) {
    const Json* preset = field.find("default");
    const bool shown = preset != nullptr && !preset->is_object() && !preset->is_null();
    std::string what = text(field, "description");
    const std::string limits = limits_of(field);
    if (!limits.empty()) what += (what.empty() ? "" : " ") + limits + ".";
    out += "| `" + prefix + name + "`" + (is_required(schema, name) ? " *" : "") + " | " + type_of(field) + " | " +
           (shown ? "`" + cell(to_json(*preset)) + "`" : std::string()) + " | " + cell(what) + " |\n";
    if (prefix.contains('.') || is_reference(field)) continue;
    const Json* items = field.find("items");
    if (field.find("properties") != nullptr) add_fields(out, field, prefix + name + ".");
    if (items != nullptr) add_fields(out, *items, prefix + name + "[].");
  }
}

std::string methods_of(const Json& path) {
  std::string list;
  for (const std::string_view method : {"get", "post", "put", "patch", "delete"}) {
    if (path.find(method) == nullptr) continue;
    if (!list.empty()) list += ' ';
    for (const char c : method) list += static_cast<char>(c - ('a' - 'A'));
  }
  return list;
}

/// The entity that a path is about; empty: none.
std::string subject_of(const Json& path) {
  for (const auto& [method, operation] : path.as_object()) {
    const Json* tags = operation.find("tags");
    if (tags != nullptr && tags->is_array() && !tags->as_array().empty()) return tags->as_array().front().as_string();
  }
  return {};
}

}  // namespace

std::string reference_page(const Json& openapi) {
  std::map<std::string, std::string> endpoints;  // rows by entity; those of none under ""
  for (const auto& [pattern, path] : openapi.find("paths")->as_object()) {
    const std::string subject = subject_of(path);
    std::string row = "| " + methods_of(path) + " | `" + pattern + "` |";
    if (subject.empty()) row += " " + cell(text(path.as_object().begin()->second, "summary")) + " |";
    endpoints[subject] += row + "\n";
  }
  std::string page(kHead);
  page += "\n## Entities\n\nA field with * must be given.\n";
  for (const auto& [name, schema] : openapi.find("components")->find("schemas")->as_object()) {
    const auto rows = endpoints.find(name);
    if (name == "error" || rows == endpoints.end()) continue;
    page += "\n### " + name + "\n\n";
    if (const std::string what = text(schema, "description"); !what.empty()) page += what + "\n\n";
    page += "| methods | path |\n|---|---|\n" + rows->second;
    page += "\n| field | type | default | |\n|---|---|---|---|\n";
    add_fields(page, schema, "");
  }
  page += "\n## The node, and all else\n\n| methods | path | |\n|---|---|---|\n" + endpoints[""];
  return page;
}

}  // namespace sluice::control::admin
