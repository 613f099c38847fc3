// SPDX-License-Identifier: Apache-2.0
#include "cli/openapi/plugins.h"

#include <algorithm>
#include <utility>

namespace sluice::cli::openapi {
namespace {

constexpr std::string_view kPrefix = "x-kong-plugin-";

void unite_scopes(Json::Object& config, const Json& scopes) {
  Json& required = config["scopes_required"];
  if (!required.is_array()) required = Json::array();
  if (!scopes.is_array()) return;
  auto& list = required.as_array();
  for (const Json& scope : scopes.as_array()) {
    if (std::ranges::find(list, scope) == list.end()) list.push_back(scope);
  }
}

}  // namespace

Result<Plugins> plugins_of(const ReferencesView& references, const Json& level, Plugins outer) {
  for (const auto& [name, value] : level.as_object()) {
    if (!name.starts_with(kPrefix)) continue;
    TRY(const Json* plugin, references.follow(value));
    if (!plugin->is_object()) return fail(Errc::Invalid, name + ": expected an object");
    const std::string own_name = name.substr(kPrefix.size());
    const Json* given = plugin->find("name");
    if (given != nullptr && !(*given == Json(own_name))) {
      return fail(Errc::Invalid, name + ": its name is " + to_json(*given));
    }
    Json::Object copy = plugin->as_object();
    copy.set("name", own_name);
    outer[own_name] = std::move(copy);
  }
  return outer;
}

Result<> add_security(const ReferencesView& references, const Json& document, const Json& operation, Plugins& plugins) {
  const Json* security = operation.find("security");
  if (security == nullptr) security = document.find("security");
  if (security == nullptr || !security->is_array() || security->as_array().empty()) return {};
  const Json& requirement = security->as_array().front();
  if (security->as_array().size() > 1 || !requirement.is_object() || requirement.as_object().size() > 1) {
    return fail(Errc::Unsupported, "security: only one scheme can be turned into a plugin");
  }
  for (const auto& [name, scopes] : requirement.as_object()) {
    TRY(const Json* scheme, references.at("#/components/securitySchemes/" + name));
    TRY(scheme, references.follow(*scheme));
    const Json* type = scheme->find("type");
    if (type == nullptr || !(*type == Json("openIdConnect"))) {
      return fail(Errc::Unsupported, "security scheme " + name + ": only openIdConnect can be turned into a plugin");
    }
    Json::Object plugin;
    if (const Json* extension = scheme->find("x-kong-security-openid-connect")) {
      TRY(const Json* wanted, references.follow(*extension));
      if (wanted->is_object()) plugin = wanted->as_object();
    }
    plugin.set("name", "openid-connect");
    Json& config = plugin["config"];
    if (!config.is_object()) config = Json::object();
    const Json* url = scheme->find("openIdConnectUrl");
    if (url != nullptr && !config.as_object().contains("issuer")) config.as_object().set("issuer", *url);
    unite_scopes(config.as_object(), scopes);
    plugins["openid-connect"] = std::move(plugin);
  }
  return {};
}

}  // namespace sluice::cli::openapi
