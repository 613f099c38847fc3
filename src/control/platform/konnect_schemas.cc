// SPDX-License-Identifier: Apache-2.0
#include "control/platform/konnect_schemas.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "control/admin/endpoints.h"
#include "entity/vault.h"
#include "schema/published.h"

namespace sluice::control::platform {
namespace {

using admin::Reply;
using admin::Request;

struct Name {
  std::string_view konnect;
  std::string_view dao;
  bool credential = false;
};

/// Where Konnect's name is not simply ours in the singular.
constexpr std::array kNames = {
    Name{"jwt", "jwt_secrets", true},
    Name{"hmac-auth", "hmacauth_credentials", true},
    Name{"basic-auth", "basicauth_credentials", true},
    Name{"key-auth", "keyauth_credentials", true},
    Name{"mtls-auth", "mtls_auth_credentials", true},
    Name{"acl", "acls", true},
    Name{"key-set", "key_sets"},
};

/// The members of a credential that stand beside `value`, not in it.
constexpr std::array<std::string_view, 5> kOutside = {"id", "consumer", "created_at", "updated_at", "tags"};

const schema::EntityBase* find(const entity::Catalog& catalog, std::string_view name, bool& credential) {
  const auto at = std::ranges::find(kNames, name, &Name::konnect);
  credential = at != kNames.end() && at->credential;
  if (at != kNames.end()) return catalog.find(at->dao);
  for (const auto& type : catalog.types()) {
    if (name == type->singular() || name == type->name()) return type.get();
  }
  return nullptr;
}

/// What is not about the credential's owner goes below `value`.
Json wrapped(Json schema) {
  Json::Object outer;
  Json::Object inner;
  if (Json* properties = schema.find("properties")) {
    for (auto& [name, property] : properties->as_object()) {
      const bool outside = std::ranges::find(kOutside, name) != kOutside.end();
      (outside ? outer : inner).append(name, std::move(property));
    }
  }
  Json::Object value{{"type", "object"}, {"properties", std::move(inner)}};
  if (const Json* required = schema.find("required")) value.append("required", *required);
  outer.append("value", std::move(value));
  return Json::Object{{"type", "object"}, {"properties", std::move(outer)}};
}

/// One condition for each backend: if `name` is this, then `config` is that.
Json with_backends(Json schema) {
  constexpr std::string_view kBackend = "env";
  Json::Object backend;
  backend.append(std::string(kBackend), schema::json_schema(schema::describe<entity::EnvVault>()));
  Json::Object config{{"type", "object"}, {"properties", std::move(backend)}};
  Json condition = Json::Object{{"properties", Json::Object{{"name", Json::Object{{"const", kBackend}}}}}};
  Json consequence = Json::Object{{"properties", Json::Object{{"config", std::move(config)}}}};
  schema.as_object().set("allOf",
                         Json::Array{Json::Object{{"if", std::move(condition)}, {"then", std::move(consequence)}}});
  return schema;
}

Reply unknown(const std::string& name) {
  return Reply::message(404, "no entity named '" + name + "'");
}

Reply entity_schema(const admin::Parts& parts, const Request& request) {
  bool credential = false;
  const auto* type = find(parts.catalog, request.params[0], credential);
  if (type == nullptr) return unknown(request.params[0]);
  Json schema = schema::json_schema(*type);
  if (credential) schema = wrapped(std::move(schema));
  if (type->name() == entity::Vault::kName) schema = with_backends(std::move(schema));
  return Reply::json(200, schema);
}

Reply validate(const admin::Parts& parts, const Request& request) {
  bool credential = false;
  const auto* type = find(parts.catalog, request.params[0], credential);
  return type != nullptr ? admin::validate_entity(parts, request, type->name()) : unknown(request.params[0]);
}

}  // namespace

void add_konnect_schemas(admin::RouteTree& tree, const admin::Parts& parts) {
  tree.add("GET", "/v1/schemas/json/{name}",
           [&parts](const Request& request) { return entity_schema(parts, request); });
  tree.add_question("/v1/schemas/json/{name}/validate",
                    [&parts](const Request& request) { return validate(parts, request); });
}

}  // namespace sluice::control::platform
