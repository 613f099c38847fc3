// SPDX-License-Identifier: Apache-2.0
#include "cli/openapi/validator.h"

#include <algorithm>
#include <utility>

namespace sluice::cli::openapi {
namespace {

bool is_same_parameter(const Json& a, const Json& b) {
  const Json* name = a.find("name");
  const Json* place = a.find("in");
  const Json* other_name = b.find("name");
  const Json* other_place = b.find("in");
  return name != nullptr && place != nullptr && other_name != nullptr && other_place != nullptr &&
         *name == *other_name && *place == *other_place;
}

bool is_true(const Json* value) {
  return value != nullptr && value->is_bool() && value->as_bool();
}

/// What OpenAPI takes when a parameter does not say how it is written.
std::string default_style(const Json& place) {
  return place == Json("query") || place == Json("cookie") ? "form" : "simple";
}

Result<Json> describe(const ReferencesView& references, const Json& parameter) {
  const Json* place = parameter.find("in");
  const Json* name = parameter.find("name");
  if (place == nullptr || name == nullptr) return fail(Errc::Invalid, "a parameter needs name and in");
  const Json* style = parameter.find("style");
  const Json* explode = parameter.find("explode");
  Json used_style = style != nullptr ? *style : Json(default_style(*place));
  Json::Object entry;
  entry.append("explode", explode != nullptr ? *explode : Json(used_style == Json("form")));
  entry.append("in", *place);
  entry.append("name", *name);
  entry.append("required", is_true(parameter.find("required")) || *place == Json("path"));
  if (const Json* schema = parameter.find("schema")) {
    TRY(const Json alone, references.standalone(*schema));
    entry.append("schema", to_json(alone));
  }
  entry.append("style", std::move(used_style));
  return Json(std::move(entry));
}

bool is_json_type(std::string_view type) {
  type = type.substr(0, type.find(';'));
  return type == "application/json" || type.ends_with("+json");
}

/// The schema of the body where it is JSON, and every content type that is taken.
Result<> describe_body(const ReferencesView& references, const Json& operation, Json::Object& config) {
  const Json* written = operation.find("requestBody");
  if (written == nullptr) return {};
  TRY(const Json* body, references.follow(*written));
  const Json* content = body->find("content");
  if (content == nullptr || !content->is_object() || content->as_object().empty()) return {};
  Json::Array types;
  for (const auto& [type, media] : content->as_object()) {
    types.emplace_back(type);
    const Json* schema = media.find("schema");
    if (schema == nullptr || !is_json_type(type) || config.contains("body_schema")) continue;
    TRY(const Json alone, references.standalone(*schema));
    config.set("body_schema", to_json(alone));
  }
  if (!config.contains("allowed_content_types")) config.set("allowed_content_types", std::move(types));
  return {};
}

}  // namespace

Result<std::vector<const Json*>> parameters_of(const ReferencesView& references, const Json& path_item,
                                               const Json& operation) {
  std::vector<const Json*> parameters;
  for (const Json* owner : {&operation, &path_item}) {
    const Json* list = owner->find("parameters");
    if (list == nullptr || !list->is_array()) continue;
    for (const Json& entry : list->as_array()) {
      TRY(const Json* parameter, references.follow(entry));
      const auto same = [&](const Json* have) { return is_same_parameter(*have, *parameter); };
      if (std::ranges::none_of(parameters, same)) parameters.push_back(parameter);
    }
  }
  return parameters;
}

Result<bool> fill_validator(const ReferencesView& references, const Json& path_item, const Json& operation,
                            Json::Object& config) {
  if (config.contains("body_schema") || config.contains("parameter_schema")) return true;
  TRY(const auto parameters, parameters_of(references, path_item, operation));
  Json::Array described;
  for (const Json* parameter : parameters) {
    TRY(Json entry, describe(references, *parameter));
    described.push_back(std::move(entry));
  }
  TRY(describe_body(references, operation, config));
  if (!described.empty()) config.set("parameter_schema", std::move(described));
  const bool useful =
      config.contains("body_schema") || config.contains("parameter_schema") || config.contains("allowed_content_types");
  if (useful && !config.contains("version")) config.set("version", "draft4");
  return useful;
}

}  // namespace sluice::cli::openapi
