// SPDX-License-Identifier: Apache-2.0
#include "cli/openapi/convert.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "base/uuid.h"
#include "cli/openapi/names.h"
#include "cli/openapi/plugins.h"
#include "cli/openapi/references.h"
#include "cli/openapi/service.h"
#include "cli/openapi/validator.h"

namespace sluice::cli::openapi {
namespace {

constexpr std::string_view kValidator = "request-validator";
constexpr std::array<std::string_view, 8> kMethods = {"delete", "get",  "head", "options",
                                                      "patch",  "post", "put",  "trace"};

Json sorted(const Json& value) {
  if (value.is_array()) {
    Json::Array list;
    for (const Json& element : value.as_array()) list.push_back(sorted(element));
    return Json(std::move(list));
  }
  if (!value.is_object()) return value;
  std::map<std::string_view, const Json*> members;
  for (const auto& [name, member] : value.as_object()) members.emplace(name, &member);
  Json::Object object;
  for (const auto& [name, member] : members) object.append(std::string(name), sorted(*member));
  return Json(std::move(object));
}

std::string text_of(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

/// What holds from one level of the document (document, path, operation) downwards.
struct Level {
  std::string name;
  const Json* servers = nullptr;
  const Json* service_defaults = nullptr;
  const Json* upstream_defaults = nullptr;
  const Json* route_defaults = nullptr;
  Plugins plugins;  // for routes below it
  std::optional<Json::Object> validator;
  std::size_t service = 0;
};

class Conversion {
 public:
  Conversion(const Json& document, const ConvertOptions& options)
      : document_(document), options_(options), references_(document), ids_(options.ids && !options.inso_compatible) {}

  Result<Json> run() {
    if (!text_of(document_, "openapi").starts_with("3.")) {
      return fail(Errc::Unsupported, "openapi: only version 3 documents can be converted");
    }
    TRY(read_tags());
    TRY(Level top, document_level());
    const Json* paths = document_.find("paths");
    if (paths != nullptr && paths->is_object()) {
      for (const auto& [path, member] : sorted_members(*paths)) {
        auto done = add_path(top, std::string(path), *member);
        if (!done) return fail("paths " + std::string(path) + ": ", done.error());
      }
    }
    return output();
  }

 private:
  static std::map<std::string_view, const Json*> sorted_members(const Json& object) {
    std::map<std::string_view, const Json*> members;
    for (const auto& [name, value] : object.as_object()) members.emplace(name, &value);
    return members;
  }

  [[nodiscard]] std::string slugged(std::string_view text) const { return slug(text, options_.inso_compatible); }

  Result<> read_tags() {
    tags_ = options_.select_tags;
    const Json* given = document_.find("x-kong-tags");
    if (!tags_.empty() || given == nullptr) return {};
    if (!given->is_array()) return fail(Errc::Invalid, "x-kong-tags: expected an array of strings");
    for (const Json& tag : given->as_array()) {
      if (!tag.is_string()) return fail(Errc::Invalid, "x-kong-tags: expected an array of strings");
      tags_.push_back(tag.as_string());
    }
    return {};
  }

  /// An extension with defaults; the outer level's where this one has none.
  Result<const Json*> defaults_at(const Json& level, const std::string& name, const Json* outer) const {
    const Json* own = level.find(name);
    if (own == nullptr) return outer;
    TRY(own, references_.follow(*own));
    if (!own->is_object()) return fail(Errc::Invalid, name + ": expected an object");
    return own;
  }

  Result<Level> document_level() {
    Level level;
    level.name = options_.base_name;
    if (level.name.empty()) level.name = text_of(document_, "x-kong-name");
    const Json* info = document_.find("info");
    if (level.name.empty() && info != nullptr) level.name = text_of(*info, "title");
    if (level.name.empty()) level.name = Uuid::random().to_string();
    level.name = slugged(level.name);
    TRY(read_level(document_, level));
    TRY(Plugins plugins, plugins_of(references_, document_));
    take_validator(plugins, level);
    TRY(add_service(level, std::move(plugins)));
    return level;
  }

  Result<> read_level(const Json& at, Level& level) {
    if (const Json* servers = at.find("servers");
        servers != nullptr && servers->is_array() && !servers->as_array().empty()) {
      level.servers = servers;
    }
    TRY(level.service_defaults, defaults_at(at, "x-kong-service-defaults", level.service_defaults));
    TRY(level.upstream_defaults, defaults_at(at, "x-kong-upstream-defaults", level.upstream_defaults));
    TRY(level.route_defaults, defaults_at(at, "x-kong-route-defaults", level.route_defaults));
    return {};
  }

  /// A level with its own servers or defaults gets a service of its own.
  static bool wants_service(const Json& at) {
    const Json* servers = at.find("servers");
    return (servers != nullptr && servers->is_array() && !servers->as_array().empty()) ||
           at.find("x-kong-service-defaults") != nullptr || at.find("x-kong-upstream-defaults") != nullptr;
  }

  /// A validator works on routes, wherever it was asked for.
  static void take_validator(Plugins& plugins, Level& level) {
    const auto at = plugins.find(std::string(kValidator));
    if (at == plugins.end()) return;
    level.validator = std::move(at->second);
    plugins.erase(at);
  }

  Result<> add_service(Level& level, Plugins plugins) {
    const auto json_of = [](const Json* value) { return value != nullptr ? to_json(*value) : std::string(); };
    const std::string sameness =
        json_of(level.servers) + json_of(level.service_defaults) + json_of(level.upstream_defaults);
    if (options_.reuse_services) {
      if (const auto at = by_servers_.find(sameness); at != by_servers_.end()) {
        level.service = at->second;
        return {};
      }
    }
    TRY(ServiceOutput made,
        make_service({level.name, level.servers, level.service_defaults, level.upstream_defaults, tags_, ids_}));
    level.service = services_.size();
    by_servers_.emplace(sameness, level.service);
    made.service.set("plugins", plugin_list(plugins, level.name));
    made.service.set("routes", Json::array());
    services_.emplace_back(std::move(made.service));
    if (made.upstream) upstreams_.emplace_back(*std::move(made.upstream));
    return {};
  }

  Json plugin_list(const Plugins& plugins, const std::string& owner) const {
    Json::Array list;
    for (const auto& [name, plugin] : plugins) {
      Json::Object entry = plugin;
      if (ids_) entry.set("id", id_of(owner + ".plugin." + name));
      if (!tags_.empty()) entry.set("tags", Json(Json::Array(tags_.begin(), tags_.end())));
      list.emplace_back(std::move(entry));
    }
    return Json(std::move(list));
  }

  Result<> add_path(const Level& top, const std::string& path, const Json& written) {
    TRY(const Json* item, references_.follow(written));
    if (!item->is_object()) return fail(Errc::Invalid, "expected an object");
    Level level = top;
    std::string own = slugged(text_of(*item, "x-kong-name"));
    if (own.empty()) own = slugged(path) + (path.ends_with('/') && path.size() > 1 ? "~" : "");
    level.name = own.empty() ? top.name : top.name + "_" + own;
    TRY(read_level(*item, level));
    TRY(Plugins plugins, plugins_of(references_, *item));
    take_validator(plugins, level);
    if (wants_service(*item)) {
      TRY(Plugins document_plugins, plugins_of(references_, document_));
      document_plugins.erase(std::string(kValidator));
      for (auto& [name, plugin] : plugins) document_plugins[name] = std::move(plugin);
      TRY(add_service(level, std::move(document_plugins)));
    } else {
      level.plugins = std::move(plugins);
    }
    for (const std::string_view method : kMethods) {
      const Json* operation = item->find(method);
      if (operation == nullptr) continue;
      if (!operation->is_object()) return fail(Errc::Invalid, std::string(method) + ": expected an object");
      auto done = add_operation(top, level, *item, path, std::string(method), *operation);
      if (!done) return fail(std::string(method) + ": ", done.error());
    }
    return {};
  }

  Result<> add_operation(const Level& top, const Level& path_level, const Json& item, const std::string& path,
                         const std::string& method, const Json& operation) {
    Level level = path_level;
    std::string own = slugged(text_of(operation, "x-kong-name"));
    if (!own.empty()) {
      level.name = path_level.name + "_" + own;
    } else if (own = slugged(text_of(operation, "operationId")); !own.empty()) {
      level.name = top.name + (options_.inso_compatible ? "-" : "_") + own;
    } else {
      level.name = path_level.name + (options_.inso_compatible ? "-" : "_") + method;
    }
    TRY(read_level(operation, level));
    if (wants_service(operation)) {
      TRY(Plugins outer, plugins_of(references_, document_));
      TRY(outer, plugins_of(references_, item, std::move(outer)));
      outer.erase(std::string(kValidator));
      TRY(add_service(level, std::move(outer)));
      level.plugins.clear();
    }
    TRY(Plugins plugins, plugins_of(references_, operation, std::move(level.plugins)));
    take_validator(plugins, level);
    if (options_.generate_security) {
      TRY(add_security(references_, document_, operation, plugins));
    }
    TRY(add_validator(level, item, operation, plugins));
    return add_routes(level, item, path, method, operation, plugins);
  }

  Result<> add_validator(const Level& level, const Json& item, const Json& operation, Plugins& plugins) const {
    if (!level.validator) return {};
    Json::Object plugin = *level.validator;
    Json& config = plugin["config"];
    if (!config.is_object()) config = Json::object();
    auto useful = fill_validator(references_, item, operation, config.as_object());
    if (!useful && useful.error().code == Errc::Conflict && options_.ignore_circular) return {};
    if (!useful) return std::unexpected(useful.error());
    if (*useful) plugins[std::string(kValidator)] = std::move(plugin);
    return {};
  }

  /// Required headers with few values make one route for each combination of them.
  Result<std::vector<Json::Object>> header_cases(const Json& item, const Json& operation) const {
    std::vector<Json::Object> cases = {{}};
    if (options_.skip_route_by_header) return cases;
    TRY(const auto parameters, parameters_of(references_, item, operation));
    for (const Json* parameter : parameters) {
      const Json* required = parameter->find("required");
      const Json* schema = parameter->find("schema");
      if (text_of(*parameter, "in") != "header" || schema == nullptr || required == nullptr || *required != Json(true))
        continue;
      TRY(schema, references_.follow(*schema));
      const Json* values = schema->find("enum");
      if (values == nullptr || !values->is_array() || values->as_array().empty()) continue;
      std::vector<Json::Object> next;
      for (const Json::Object& before : cases) {
        for (const Json& value : values->as_array()) {
          Json::Object one = before;
          one.set(text_of(*parameter, "name"),
                  Json::Array{Json(value.is_string() ? value.as_string() : to_json(value))});
          next.push_back(std::move(one));
        }
      }
      cases = std::move(next);
    }
    return cases;
  }

  Result<> add_routes(const Level& level, const Json& item, const std::string& path, const std::string& method,
                      const Json& operation, const Plugins& plugins) {
    TRY(const RoutePath regex, route_path(path));
    TRY(const auto cases, header_cases(item, operation));
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const std::string name = cases.size() == 1 ? level.name : level.name + "_" + std::to_string(i);
      Json::Object route;
      if (level.route_defaults != nullptr) route = level.route_defaults->as_object();
      if (ids_) route.set("id", id_of(name + ".route"));
      route.set("name", name);
      route.set("methods", Json::Array{Json(to_upper(method))});
      route.set("paths", Json::Array{Json(regex.regex)});
      if (!cases[i].empty()) route.set("headers", cases[i]);
      if (!route.contains("regex_priority")) route.set("regex_priority", regex.has_parameters ? 100 : 200);
      if (!route.contains("strip_path")) route.set("strip_path", false);
      if (!tags_.empty()) route.set("tags", Json(Json::Array(tags_.begin(), tags_.end())));
      route.set("plugins", plugin_list(plugins, name));
      services_[level.service].find("routes")->as_array().emplace_back(std::move(route));
    }
    return {};
  }

  /// Plugins of consumers cannot be nested in what they are for as well.
  Json output() {
    Json::Array flat;
    for (Json& service : services_) {
      lift_consumer_plugins(service, "service", flat);
      for (Json& route : service.find("routes")->as_array()) lift_consumer_plugins(route, "route", flat);
    }
    Json::Object file{{"_format_version", "3.0"}};
    if (!flat.empty()) file.append("plugins", std::move(flat));
    file.append("services", std::move(services_));
    file.append("upstreams", std::move(upstreams_));
    return sorted(Json(std::move(file)));
  }

  static void lift_consumer_plugins(Json& owner, const std::string& kind, Json::Array& flat) {
    auto& plugins = owner.find("plugins")->as_array();
    for (Json& plugin : plugins) {
      if (plugin.find("consumer") == nullptr) continue;
      plugin.as_object().set(kind, *owner.find("name"));
      flat.push_back(plugin);
    }
    std::erase_if(plugins, [](const Json& plugin) { return plugin.find("consumer") != nullptr; });
  }

  const Json& document_;
  const ConvertOptions& options_;
  ReferencesView references_;
  bool ids_;
  std::vector<std::string> tags_;
  Json::Array services_;
  Json::Array upstreams_;
  std::map<std::string, std::size_t> by_servers_;
};

}  // namespace

Result<Json> convert(const Json& document, const ConvertOptions& options) {
  return Conversion(document, options).run();
}

}  // namespace sluice::cli::openapi
