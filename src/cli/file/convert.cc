// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "base/strings.h"
#include "cli/file/edit.h"
#include "crypto/hash.h"
#include "entity/route_path.h"

namespace sluice::cli {
namespace {

using Warnings = std::vector<std::string>;

/// Visits the objects of all lists of that name, nested ones too.
void for_each(Json& value, std::string_view list,
              const std::function<void(Json& entry, const std::string& where)>& visit, const std::string& where = {}) {
  for (auto& [name, member] : value.as_object()) {
    if (!member.is_array() || name == "_ignore") continue;
    for (std::size_t i = 0; i < member.as_array().size(); ++i) {
      Json& entry = member.as_array()[i];
      if (!entry.is_object()) continue;
      const std::string at = (where.empty() ? "" : where + ".") + name + "[" + std::to_string(i) + "]";
      if (name == list) visit(entry, at);
      for_each(entry, list, visit, at);
    }
  }
}

std::string name_of(const Json& entity) {
  const Json* name = entity.find("name");
  return name != nullptr && name->is_string() ? name->as_string() : std::string();
}

Json& object_member(Json& object, std::string_view name) {
  Json& member = object.as_object()[name];
  if (!member.is_object()) member = Json::object();
  return member;
}

/// Gives a member another name, unless that is taken.
void rename(Json& object, std::string_view name, std::string_view new_name) {
  Json* value = object.find(name);
  if (value == nullptr) return;
  Json moved = std::move(*value);
  object.as_object().erase(name);
  if (!object.as_object().contains(new_name)) object.as_object().set(new_name, std::move(moved));
}

/// What the file says itself stays.
void pin(Json& object, std::string_view name, Json value) {
  if (!object.as_object().contains(name)) object.as_object().set(name, std::move(value));
}

// 2.x to 3.x
// -------------------------------------------------------------------------------------------------------------------

void mark_regexes(Json& route, const std::string& where, Warnings& warnings) {
  Json* paths = route.find("paths");
  if (paths == nullptr || !paths->is_array()) return;
  for (Json& path : paths->as_array()) {
    if (!path.is_string() || !path.as_string().starts_with('/') || !entity::looks_like_regex(path.as_string()))
      continue;
    path = "~" + path.as_string();
    warnings.push_back(where + ": path taken for a regular expression: " + path.as_string());
  }
}

void to_format_3(Json& document, Warnings& warnings) {
  document.as_object().set("_format_version", "3.0");
  for_each(document, "routes", [&](Json& route, const std::string& where) { mark_regexes(route, where, warnings); });
  // Its counters were per configuration; since 3.0 they are shared by all of one namespace.
  for_each(document, "plugins", [&](Json& plugin, const std::string& where) {
    if (name_of(plugin) != "rate-limiting-advanced") return;
    Json& config = object_member(plugin, "config");
    if (!config.as_object().contains("namespace")) config.as_object().set("namespace", crypto::md5_hex(where));
  });
}

// 2.8 to 3.4
// -------------------------------------------------------------------------------------------------------------------

void to_3_4(Json& document, Warnings& warnings) {
  to_format_3(document, warnings);
  for_each(document, "plugins", [&](Json& plugin, const std::string&) {
    Json* config = plugin.find("config");
    if (config == nullptr || !config->is_object()) return;
    rename(*config, "whitelist", "allow");
    rename(*config, "blacklist", "deny");
    const std::string name = name_of(plugin);
    if (name == "pre-function" || name == "post-function") rename(*config, "functions", "access");
  });
}

// 3.4 to 3.10
// -------------------------------------------------------------------------------------------------------------------

/// "host:port" texts become objects.
void split_addresses(Json& redis, std::string_view old_name, std::string_view new_name, std::string_view host_field) {
  Json* addresses = redis.find(old_name);
  if (addresses == nullptr) return;
  Json::Array nodes;
  if (addresses->is_array()) {
    for (const Json& address : addresses->as_array()) {
      if (!address.is_string()) continue;
      const std::string& text = address.as_string();
      const std::size_t colon = text.rfind(':');
      const auto port = colon != text.npos ? parse_int<std::uint16_t>(text.substr(colon + 1))
                                           : Result<std::uint16_t>(std::uint16_t{6379});
      nodes.push_back(
          Json::Object{{std::string(host_field), text.substr(0, colon)}, {"port", port.value_or(std::uint16_t{6379})}});
    }
  }
  redis.as_object().erase(old_name);
  if (!nodes.empty() && !redis.as_object().contains(new_name)) redis.as_object().set(new_name, std::move(nodes));
}

void modernise_redis(Json& redis) {
  split_addresses(redis, "cluster_addresses", "cluster_nodes", "ip");
  split_addresses(redis, "sentinel_addresses", "sentinel_nodes", "host");
  if (const Json* timeout = redis.find("timeout")) {
    const Json value = *timeout;
    redis.as_object().erase("timeout");
    for (const char* name : {"connect_timeout", "send_timeout", "read_timeout"}) {
      if (!redis.as_object().contains(name)) redis.as_object().set(name, value);
    }
  }
}

void to_3_10(Json& document, Warnings&) {
  constexpr std::array<std::string_view, 9> kFlat = {"host",       "port",        "username", "password", "ssl",
                                                     "ssl_verify", "server_name", "timeout",  "database"};
  for_each(document, "plugins", [&](Json& plugin, const std::string&) {
    Json* config = plugin.find("config");
    if (config == nullptr || !config->is_object()) return;
    const std::string name = name_of(plugin);
    if (name == "rate-limiting" || name == "response-ratelimiting") {
      for (const std::string_view field : kFlat) {
        const std::string old_name = "redis_" + std::string(field);
        const Json* value = config->find(old_name);
        if (value == nullptr) continue;
        Json moved = *value;
        config->as_object().erase(old_name);
        pin(object_member(*config, "redis"), field, std::move(moved));
      }
      return;
    }
    if (name == "acme") {
      Json* storage = config->find("storage_config");
      Json* redis = storage != nullptr ? storage->find("redis") : nullptr;
      if (redis != nullptr && redis->is_object()) {
        rename(*redis, "auth", "password");
        rename(*redis, "ssl_server_name", "server_name");
      }
      return;
    }
    if (Json* redis = config->find("redis"); redis != nullptr && redis->is_object()) modernise_redis(*redis);
  });
}

// 3.10 to 3.14
// -------------------------------------------------------------------------------------------------------------------

void to_3_14(Json& document, Warnings&) {
  constexpr std::array<std::string_view, 8> kHiding = {"basic-auth", "hmac-auth",          "key-auth", "key-auth-enc",
                                                       "ldap-auth",  "ldap-auth-advanced", "oauth2",   "vault-auth"};
  for_each(document, "services", [](Json& service, const std::string&) {
    const Json* protocol = service.find("protocol");
    const Json* url = service.find("url");
    const bool tls = (protocol != nullptr && (*protocol == Json("https") || *protocol == Json("tls"))) ||
                     (url != nullptr && url->is_string() && url->as_string().starts_with("https:"));
    if (tls) pin(service, "tls_verify", false);
  });
  for_each(document, "routes",
           [](Json& route, const std::string&) { pin(route, "protocols", Json::Array{"http", "https"}); });
  for_each(document, "plugins", [&](Json& plugin, const std::string&) {
    const std::string name = name_of(plugin);
    if (std::ranges::find(kHiding, name) == kHiding.end()) return;
    pin(object_member(plugin, "config"), "hide_credentials", false);
  });
}

struct Step {
  std::string_view from;
  std::string_view to;
  void (*run)(Json& document, Warnings& warnings);
};
constexpr std::array<Step, 4> kSteps = {
    {{"2.8", "3.4", to_3_4}, {"3.4", "3.10", to_3_10}, {"3.10", "3.14", to_3_14}, {"2", "3", to_format_3}}};

/// "2.8" of "kong-gateway-2.8.x", "2" of "kong-gateway-2.x".
std::string release_of(std::string_view name) {
  if (name.starts_with("kong-gateway-")) name.remove_prefix(13);
  if (name.ends_with(".x")) name.remove_suffix(2);
  return std::string(name);
}

}  // namespace

Result<Conversion> convert_document(Json document, std::string_view from, std::string_view to) {
  if (!document.is_object()) return fail(Errc::Invalid, "expected an object");
  const std::string wanted = release_of(to);
  Conversion conversion{std::move(document), {}};
  std::string at = release_of(from);
  while (at != wanted) {
    const auto step = std::ranges::find(kSteps, at, &Step::from);
    if (step == kSteps.end()) {
      return fail(Errc::Unsupported, "cannot convert from " + std::string(from) + " to " + std::string(to) +
                                         "; known: 2.x to 3.x, and 2.8 to 3.4 to 3.10 to 3.14");
    }
    step->run(conversion.document, conversion.warnings);
    at = step->to;
  }
  if (conversion.document.find("_plugin_configs") != nullptr) {
    conversion.warnings.emplace_back("_plugin_configs: not converted, since they do not name their plugin");
  }
  return conversion;
}

}  // namespace sluice::cli
