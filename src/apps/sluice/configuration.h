// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "entity/catalog.h"
#include "entity/declarative.h"
#include "gateway/plugin.h"
#include "gateway/router/route_spec.h"
#include "settings/load.h"
#include "settings/settings.h"
#include "sync/delta.h"

namespace sluice::apps {

/// What every command that touches a configuration needs: the built-in plugins and the entity types.
struct Vocabulary {
  /// Of the plugins, only those that the setting `plugins` names can be configured.
  explicit Vocabulary(const settings::Settings& settings);
  gateway::PluginRegistry plugins;
  entity::PluginSchemas schemas;
  std::unique_ptr<entity::Catalog> catalog;
  gateway::router::Flavor flavor;
};

/// Settings from file, environment and command line. On failure prints every problem and returns nothing; warnings go
/// to standard error.
struct SettingsArguments {
  std::string file;                 // -c
  std::optional<std::string> text;  // of that file, as it was read earlier; nothing: read it
  std::string declarative;          // --declarative
  std::string prefix;               // -p
};
std::unique_ptr<settings::Settings> load_settings(const SettingsArguments& arguments);
/// The same without printing; the error holds every problem, one a line.
std::expected<settings::Loaded, std::string> read_settings(const SettingsArguments& arguments);

/// The declarative configuration that settings name; empty when they name none.
std::expected<std::string, std::string> declarative_text(const settings::Settings& settings);

/// A declarative configuration, validated. The error is what is wrong, one line each, with paths.
std::expected<sync::Delta, std::string> load_configuration(const Vocabulary& vocabulary, const std::string& text);
std::expected<std::string, std::string> read_file(const std::string& path);

}  // namespace sluice::apps
