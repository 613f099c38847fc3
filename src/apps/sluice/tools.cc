// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include <fmt/core.h>
#include <signal.h>

#include "base/json.h"
#include "commands.h"
#include "gateway/config/snapshot_builder.h"

namespace sluice::apps {
int config_parse(const SettingsArguments& arguments, const std::string& file) {
  auto settings = load_settings(arguments);
  if (!settings) return 1;
  Vocabulary vocabulary(*settings);
  auto text = read_file(file);
  auto delta = text ? load_configuration(vocabulary, *text) : std::unexpected(text.error() + "\n");
  if (!delta) {
    fmt::print(stderr, "{}: not valid\n{}", file, delta.error());
    return 1;
  }
  gateway::SnapshotBuilder builder(*vocabulary.catalog, vocabulary.plugins, vocabulary.flavor);
  auto built = builder.build(*builder.empty(), *std::move(delta));
  if (!built) {
    fmt::print(stderr, "{}: cannot be served\n", file);
    for (const auto& problem : built.error()) {
      fmt::print(stderr, "{} {}: {}: {}\n", problem.type, problem.id.to_string(), problem.field, problem.message);
    }
    return 1;
  }
  fmt::print("parse successful\n");
  return 0;
}

int check(const std::string& file) {
  SettingsArguments arguments;
  arguments.file = file;
  if (!load_settings(arguments)) return 1;
  fmt::print("configuration at {} is valid\n", file);
  return 0;
}

int print_version(bool as_json) {
  if (!as_json) {
    fmt::print("sluice {}\n", SLUICE_VERSION);
    return 0;
  }
  Json::Array features;
  for (const char* name :
       {"tls", "http2", "http3", "upstream-tls", "proxy-protocol", "explain", "stream", "supervisor", "database"})
    features.emplace_back(name);
  fmt::print("{}\n", to_json(Json::Object{{"version", SLUICE_VERSION}, {"features", std::move(features)}}));
  return 0;
}

int health(const SettingsArguments& arguments) {
  auto settings = load_settings(arguments);
  if (!settings) return 1;
  auto pid_text = read_file(settings::below_prefix(*settings, "pids/sluice.pid"));
  const int pid = pid_text ? std::atoi(pid_text->c_str()) : 0;
  if (pid <= 0 || ::kill(pid, 0) != 0) {
    fmt::print(stderr, "sluice is not running at {}\n", settings->prefix);
    return 1;
  }
  fmt::print("sluice is healthy at {} (pid {})\n", settings->prefix, pid);
  return 0;
}

}  // namespace sluice::apps
