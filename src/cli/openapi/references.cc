// SPDX-License-Identifier: Apache-2.0
#include "cli/openapi/references.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace sluice::cli::openapi {
namespace {

constexpr int kMaxSteps = 64;

const std::string* reference_of(const Json& value) {
  const Json* reference = value.find("$ref");
  return reference != nullptr && reference->is_string() ? &reference->as_string() : nullptr;
}

std::string unescaped(std::string_view part) {
  std::string name = percent_decode_lenient(part);
  for (std::size_t i = name.find('~'); i != name.npos; i = name.find('~', i + 1)) {
    name.replace(i, 2, name.substr(i, 2) == "~1" ? "/" : "~");
  }
  return name;
}

/// `nullable: true` is how OpenAPI 3.0 says what a type list says elsewhere.
void apply_nullable(Json::Object& schema) {
  const Json* nullable = schema.find("nullable");
  if (nullable == nullptr) return;
  const bool may_be_null = nullable->is_bool() && nullable->as_bool();
  schema.erase("nullable");
  Json* type = schema.find("type");
  if (may_be_null && type != nullptr && type->is_string()) *type = Json::Array{*type, Json("null")};
}

}  // namespace

struct ReferencesView::Gathering {
  Json::Object definitions;
  std::vector<std::string> open;  // references that are being copied
};

Result<const Json*> ReferencesView::at(const std::string& reference) const {
  if (!reference.starts_with("#/")) {
    return fail(Errc::Unsupported, "$ref " + reference + ": only references within the document are followed");
  }
  const Json* found = &document_;
  for (std::string_view part : split(std::string_view(reference).substr(2), '/')) {
    const std::string name = unescaped(part);
    if (found->is_array()) {
      const auto index = parse_int<std::size_t>(name);
      found = index && *index < found->as_array().size() ? &found->as_array()[*index] : nullptr;
    } else {
      found = found->find(name);
    }
    if (found == nullptr) return fail(Errc::NotFound, "$ref " + reference + ": leads nowhere");
  }
  return found;
}

Result<const Json*> ReferencesView::follow(const Json& value) const {
  const Json* found = &value;
  for (int steps = 0; const std::string* reference = reference_of(*found); ++steps) {
    if (steps == kMaxSteps) return fail(Errc::Conflict, "$ref " + *reference + ": leads in a circle");
    TRY(found, at(*reference));
  }
  return found;
}

Result<Json> ReferencesView::standalone(const Json& schema) const {
  Gathering gathering;
  if (const std::string* reference = reference_of(schema)) gathering.open.push_back(*reference);
  TRY(const Json* top, follow(schema));
  TRY(Json result, copy(*top, gathering));
  if (result.is_object() && !gathering.definitions.empty()) {
    result.as_object().set("definitions", std::move(gathering.definitions));
  }
  return result;
}

Result<Json> ReferencesView::copy(const Json& value, Gathering& gathering) const {
  if (value.is_array()) {
    Json::Array list;
    for (const Json& element : value.as_array()) {
      TRY(Json inner, copy(element, gathering));
      list.push_back(std::move(inner));
    }
    return Json(std::move(list));
  }
  if (!value.is_object()) return value;
  if (const std::string* reference = reference_of(value)) {
    if (std::ranges::find(gathering.open, *reference) != gathering.open.end()) {
      return fail(Errc::Conflict, "$ref " + *reference + ": a schema that refers to itself");
    }
    const std::string name = unescaped(reference->substr(reference->rfind('/') + 1));
    if (!gathering.definitions.contains(name)) {
      TRY(const Json* target, at(*reference));
      gathering.open.push_back(*reference);
      TRY(Json definition, copy(*target, gathering));
      gathering.open.pop_back();
      gathering.definitions.set(name, std::move(definition));
    }
    return Json(Json::Object{{"$ref", "#/definitions/" + name}});
  }
  Json::Object object;
  for (const auto& [name, member] : value.as_object()) {
    if (name.starts_with("x-") || name == "example" || name == "examples" || name == "discriminator") continue;
    TRY(Json inner, copy(member, gathering));
    object.append(name, std::move(inner));
  }
  apply_nullable(object);
  return Json(std::move(object));
}

}  // namespace sluice::cli::openapi
