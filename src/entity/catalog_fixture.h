// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "entity/catalog.h"

namespace sluice::entity {

/// Two plugins for tests: one with a condition over its whole configuration, one that must not know consumers.
struct LimitConfig {
  std::optional<double> second;
  std::optional<double> minute;
  std::string policy = "local";

  static void describe(schema::Record<LimitConfig>& r) {
    r.field<&LimitConfig::second>("second").rule(schema::greater_than(0));
    r.field<&LimitConfig::minute>("minute").rule(schema::greater_than(0));
    r.field<&LimitConfig::policy>("policy").rule(schema::one_of({"local", "redis"}));
    r.plugin_check(schema::at_least_one_of({"config.second", "config.minute"}));
  }
};
struct KeyConfig {
  std::vector<std::string> key_names = {"apikey"};
  bool hide_credentials = false;

  static void describe(schema::Record<KeyConfig>& r) {
    r.field<&KeyConfig::key_names>("key_names").each(schema::header_name());
    r.field<&KeyConfig::hide_credentials>("hide_credentials");
  }
};
struct HttpConfig {
  std::string http_endpoint;

  static void describe(schema::Record<HttpConfig>& r) {
    r.field<&HttpConfig::http_endpoint>("http_endpoint").rule(schema::url());
  }
};

inline PluginSchemas test_plugins() {
  PluginSchemas plugins;
  plugins.add({.name = "rate-limiting", .config = schema::describe<LimitConfig>()});
  plugins.add({.name = "key-auth", .config = schema::describe<KeyConfig>(), .on_consumer = false});
  plugins.add({.name = "http-log", .config = schema::describe<HttpConfig>()});
  return plugins;
}

inline Json parse(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed.has_value()) << text << (parsed ? "" : parsed.error().what);
  return parsed ? *std::move(parsed) : Json();
}

/// The canonical document of one entity; a failure and null when it is refused.
inline Json accepted(const Catalog& catalog, std::string_view type, std::string_view input) {
  auto result = catalog.find(type)->process(parse(input));
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().text());
  return result ? *std::move(result) : Json();
}

/// The message with which one entity is refused.
inline std::string refused(const Catalog& catalog, std::string_view type, std::string_view input) {
  const auto result = catalog.find(type)->process(parse(input));
  return result ? "accepted " + to_json(*result) : result.error().message();
}

}  // namespace sluice::entity
