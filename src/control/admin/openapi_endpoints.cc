// SPDX-License-Identifier: Apache-2.0
// /openapi.json and /v1/schemas/json/..: the Admin API described by what it is made of, the catalog and the tree.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/strings.h"
#include "control/admin/endpoints.h"
#include "control/admin/summaries.h"
#include "schema/published.h"

namespace sluice::control::admin {
namespace {

using schema::EntityBase;

Json reference(const EntityBase& type) {
  return Json::Object{{"$ref", "#/components/schemas/" + type.name()}};
}

Json content(Json schema) {
  return Json::Object{{"application/json", Json::Object{{"schema", std::move(schema)}}}};
}

Json described(std::string_view text, Json schema) {
  return Json::Object{{"description", text}, {"content", content(std::move(schema))}};
}

/// The error body of every refused request.
Json error_schema() {
  const auto of_type = [](const char* type) { return Json::Object{{"type", type}}; };
  Json::Object members{{"code", of_type("integer")},
                       {"name", of_type("string")},
                       {"message", of_type("string")},
                       {"fields", of_type("object")}};
  return Json::Object{{"type", "object"}, {"properties", std::move(members)}, {"required", Json::Array{"message"}}};
}

Json list_schema(const EntityBase& type) {
  Json::Object data{{"type", "array"}, {"items", reference(type)}};
  Json::Object next{{"type", "string"}, {"nullable", true}};
  Json::Object offset{{"type", "string"}};
  return Json::Object{
      {"type", "object"},
      {"properties",
       Json::Object{{"data", std::move(data)}, {"next", std::move(next)}, {"offset", std::move(offset)}}}};
}

Json parameter(std::string_view name, std::string_view place, std::string_view text, std::string_view type) {
  return Json::Object{{"name", name},
                      {"in", place},
                      {"required", place == "path"},
                      {"description", text},
                      {"schema", Json::Object{{"type", type}}}};
}

/// What a path leads to.
struct Subject {
  const EntityBase* type = nullptr;  // null: no entity
  bool list = false;
};

const EntityBase* find_by_url(const entity::Catalog& catalog, std::string_view segment, bool nested) {
  const auto& types = catalog.types();
  const auto at = std::ranges::find_if(
      types, [&](const auto& type) { return segment == (nested ? type->nested_url() : type->url()); });
  return at != types.end() ? at->get() : nullptr;
}

/// Entities stand at even places: `/services/{services}/routes/{routes}`; behind one may be a reference of it.
Subject subject_of(const entity::Catalog& catalog, const std::vector<std::string_view>& segments) {
  const bool one = !segments.empty() && segments.back().starts_with('{');
  const std::size_t count = one ? segments.size() - 1 : segments.size();
  if (count == 0 || count > 3 || segments.front() == "schemas") return {};
  const std::string_view last = segments[count - 1];
  if (const EntityBase* type = find_by_url(catalog, last, count > 1)) return {type, !one};
  if (one || count != 3) return {};
  const EntityBase* owner = find_by_url(catalog, segments[0], false);
  if (owner == nullptr) return {};
  const auto& links = owner->foreign_fields();
  const auto link = std::ranges::find(links, last, &schema::Field::name);
  return link != links.end() ? Subject{catalog.find((*link)->reference), false} : Subject{};
}

Json responses(std::string_view method, const Subject& subject) {
  Json::Object result;
  if (method == "DELETE") {
    result.append("204", Json::Object{{"description", "It is gone."}});
  } else if (subject.type == nullptr) {
    result.append("200", Json::Object{{"description", "Done."}});
  } else if (method == "POST") {
    result.append("201", described("It was made.", reference(*subject.type)));
  } else {
    const bool list = subject.list && method == "GET";
    result.append("200", described(list ? "One page." : "The entity.",
                                   list ? list_schema(*subject.type) : reference(*subject.type)));
  }
  result.append("default", described("Why it was refused.", Json::Object{{"$ref", "#/components/schemas/error"}}));
  return result;
}

Json parameters(const std::vector<std::string_view>& segments, std::string_view method, const Subject& subject) {
  Json::Array list;
  for (const std::string_view segment : segments) {
    if (segment.starts_with('{')) {
      list.push_back(parameter(segment.substr(1, segment.size() - 2), "path", "An id or a name.", "string"));
    }
  }
  if (subject.list && method == "GET") {
    list.push_back(parameter("size", "query", "Entities on a page, 1 to 1000.", "integer"));
    list.push_back(parameter("offset", "query", "Of the page before.", "string"));
    list.push_back(parameter("tags", "query", "a,b: with all of them; a/b: with any.", "string"));
  } else if (subject.type != nullptr && method != "GET" && method != "POST") {
    list.push_back(parameter("If-Match", "header", "ETag of what is to be changed: 412 if it has changed.", "string"));
  }
  return list;
}

Json operation(const entity::Catalog& catalog, std::string_view method, const Endpoint& endpoint) {
  const auto segments = split_list(endpoint.pattern, '/');
  const Subject subject = subject_of(catalog, segments);
  std::string id = to_lower(method);
  for (const std::string_view segment : segments) id += "-" + std::string(trim(segment, "{}"));
  Json::Object result{{"operationId", std::move(id)}};
  if (subject.type != nullptr) result.append("tags", Json::Array{subject.type->name()});
  if (const std::string_view summary = summary_of(endpoint.pattern); !summary.empty()) {
    result.append("summary", summary);
  }
  result.append("parameters", parameters(segments, method, subject));
  const bool sends = method == "POST" || method == "PUT" || method == "PATCH";
  if (sends) {
    Json schema = subject.type != nullptr ? reference(*subject.type) : Json(Json::Object{{"type", "object"}});
    result.append("requestBody", Json::Object{{"content", content(std::move(schema))}});
  }
  result.append("responses", responses(method, subject));
  return result;
}

Json openapi(const Parts& parts, const RouteTree& tree) {
  Json::Object paths;
  for (const Endpoint* endpoint : tree.endpoints()) {
    Json::Object methods;
    for (const auto& [method, handler] : endpoint->methods) {
      methods.append(to_lower(method), operation(parts.catalog, method, *endpoint));
    }
    paths.append(endpoint->pattern, std::move(methods));
  }
  Json::Object schemas;
  for (const auto& type : parts.catalog.types()) schemas.append(type->name(), schema::json_schema(*type));
  schemas.append("error", error_schema());
  return Json::Object{
      {"openapi", "3.0.3"},
      {"info", Json::Object{{"title", "Sluice Admin API"}, {"version", parts.node.version}}},
      {"paths", std::move(paths)},
      {"components", Json::Object{{"schemas", std::move(schemas)}}},
  };
}

/// By DAO name, singular ("service") or URL ("key-auths").
Reply entity_schema(const Parts& parts, const Request& request) {
  const std::string& name = request.params[0];
  for (const auto& type : parts.catalog.types()) {
    const bool meant = name == type->name() || name == type->singular() || name == type->url();
    if (meant) return Reply::json(200, schema::json_schema(*type));
  }
  return Reply::message(404, "No entity named '" + name + "'");
}

Reply plugin_schema(const Parts& parts, const Request& request) {
  const auto* plugin = parts.catalog.plugin(request.params[0]);
  if (plugin == nullptr) return Reply::message(404, "No plugin named '" + request.params[0] + "'");
  return Reply::json(200, schema::json_schema(*plugin));
}

}  // namespace

void add_openapi(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/v1/schemas/json/{name}",
           [&parts](const Request& request) { return entity_schema(parts, request); });
  tree.add("GET", "/v1/schemas/json/plugin/{name}",
           [&parts](const Request& request) { return plugin_schema(parts, request); });
  tree.add("GET", "/openapi.json", [&parts, &tree](const Request&) { return Reply::json(200, openapi(parts, tree)); });
}

}  // namespace sluice::control::admin
