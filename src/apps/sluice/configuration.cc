// SPDX-License-Identifier: Apache-2.0
#include "configuration.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/core.h>

#include "base/json.h"
#include "base/yaml.h"
#include "crypto/hash.h"
#include "gateway/config/route_checks.h"
#include "plugins/all.h"

namespace sluice::apps {
namespace {

gateway::router::Flavor router_flavor(settings::RouterFlavor flavor) {
  switch (flavor) {
    case settings::RouterFlavor::Traditional:
      return gateway::router::Flavor::Traditional;
    case settings::RouterFlavor::Expressions:
      return gateway::router::Flavor::Expressions;
    case settings::RouterFlavor::TraditionalCompatible:
      break;
  }
  return gateway::router::Flavor::TraditionalCompatible;
}

entity::RouterFlavor entity_flavor(settings::RouterFlavor flavor) {
  switch (flavor) {
    case settings::RouterFlavor::Traditional:
      return entity::RouterFlavor::Traditional;
    case settings::RouterFlavor::Expressions:
      return entity::RouterFlavor::Expressions;
    case settings::RouterFlavor::TraditionalCompatible:
      break;
  }
  return entity::RouterFlavor::TraditionalCompatible;
}

/// Clients know the enterprise edition by a version of four numbers, `3.10.0.0`. reference/gateway.md, 0.
bool is_enterprise(std::string_view compat_version) {
  return std::ranges::count(compat_version, '.') >= 3;
}

/// Protocols of a plugin as that edition knows them: the other one has no routes for WebSockets.
std::vector<std::string> known_protocols(std::vector<std::string> protocols, bool enterprise) {
  if (!enterprise) std::erase_if(protocols, [](const std::string& one) { return one == "ws" || one == "wss"; });
  return protocols;
}

bool looks_like_json(std::string_view text) {
  std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

Vocabulary::Vocabulary(const settings::Settings& settings) : flavor(router_flavor(settings.router_flavor)) {
  plugins::add_all(plugins);
  const auto enabled = [&](const std::string& name) {
    return std::ranges::any_of(settings.plugins,
                               [&](const std::string& listed) { return listed == "bundled" || listed == name; });
  };
  const bool enterprise = is_enterprise(settings.compat_version);
  for (const gateway::PluginDescriptor* plugin : plugins.in_order()) {
    if (!enabled(std::string(plugin->name))) continue;
    entity::PluginSchema schema;
    schema.name = plugin->name;
    schema.config = *plugin->config_schema;
    schema.protocols = known_protocols(plugin->protocols, enterprise);
    schema.default_protocols = known_protocols(plugin->default_protocols, enterprise);
    if (schema.protocols.empty()) continue;  // there is nothing that it could apply to
    schema.on_route = (plugin->scopes & gateway::kRoute) != 0;
    schema.on_service = (plugin->scopes & gateway::kService) != 0;
    schema.on_consumer = (plugin->scopes & gateway::kConsumer) != 0;
    schema.on_consumer_group = (plugin->scopes & gateway::kConsumerGroup) != 0;
    schemas.add(std::move(schema));
  }
  entity::CatalogOptions options;
  options.flavor = entity_flavor(settings.router_flavor);
  options.route_checks = gateway::route_checks(flavor);
  options.websockets = enterprise ? entity::WebSockets::Yes : entity::WebSockets::No;
  catalog = std::make_unique<entity::Catalog>(schemas, options);
}

std::expected<settings::Loaded, std::string> read_settings(const SettingsArguments& arguments) {
  settings::Sources sources;
  if (arguments.text) {
    sources.file_name = arguments.file;
    sources.file = *arguments.text;
  } else if (!arguments.file.empty()) {
    auto file = read_file(arguments.file);
    if (!file) return std::unexpected("sluice: " + file.error());
    sources.file_name = arguments.file;
    sources.file = *std::move(file);
  }
  sources.environment = settings::process_environment();
  if (!arguments.declarative.empty()) {
    sources.command_line.push_back({"declarative_config", arguments.declarative});
    sources.command_line.push_back({"database", "off"});
  }
  if (!arguments.prefix.empty()) sources.command_line.push_back({"prefix", arguments.prefix});
  auto loaded = settings::load(sources);
  if (!loaded) return std::unexpected(settings::to_string(loaded.error()));
  return *std::move(loaded);
}

std::unique_ptr<settings::Settings> load_settings(const SettingsArguments& arguments) {
  auto loaded = read_settings(arguments);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error());
    return nullptr;
  }
  for (const std::string& warning : loaded->warnings) fmt::print(stderr, "warning: {}\n", warning);
  return std::make_unique<settings::Settings>(std::move(loaded->settings));
}

std::expected<std::string, std::string> declarative_text(const settings::Settings& settings) {
  if (!settings.declarative_config_string.empty()) return settings.declarative_config_string;
  if (settings.declarative_config.empty()) return std::string();
  return read_file(settings.declarative_config);
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::unexpected(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::expected<sync::Delta, std::string> load_configuration(const Vocabulary& vocabulary, const std::string& text) {
  Result<Json> document = looks_like_json(text) ? parse_json(text) : parse_yaml(text);
  if (!document) return std::unexpected(document.error().what);
  auto rows = entity::load_declarative(*vocabulary.catalog, *document);
  if (!rows) {
    std::string problems = rows.error().all.text();
    if (problems.empty()) problems = to_pretty_json(rows.error().body());
    if (!problems.ends_with('\n')) problems += '\n';
    return std::unexpected(std::move(problems));
  }
  sync::Delta delta;
  delta.complete = true;
  delta.hash = crypto::md5_hex(text);
  delta.upserts.reserve(rows->size());
  for (entity::Row& row : *rows) {
    delta.upserts.push_back({row.type->name(), row.id, std::make_shared<const std::string>(std::move(row.document))});
  }
  return delta;
}

}  // namespace sluice::apps
