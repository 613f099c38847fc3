// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/core.h>
#include <signal.h>

#include "base/json.h"
#include "base/strings.h"
#include "commands.h"
#include "gateway/config/snapshot_builder.h"

namespace sluice::apps {
namespace {

/// Behind each message of a plugin that is not there, which one was probably meant. The messages stay as they are.
std::string with_guesses(std::string text, const Vocabulary& vocabulary) {
  constexpr std::string_view kBefore = "plugin '";
  constexpr std::string_view kAfter = "' not enabled; add it to the 'plugins' configuration property";
  std::vector<std::string_view> known;
  for (const gateway::PluginDescriptor* plugin : vocabulary.plugins.in_order()) known.emplace_back(plugin->name);
  for (std::size_t at = text.find(kAfter); at != std::string::npos; at = text.find(kAfter, at)) {
    const std::size_t before = text.rfind(kBefore, at);
    at += kAfter.size();
    if (before == std::string::npos) continue;
    const std::size_t begin = before + kBefore.size();
    const std::string_view name = std::string_view(text).substr(begin, at - kAfter.size() - begin);
    if (const auto meant = nearest_word(name, known); meant && *meant != name) {
      text.insert(at, fmt::format("; did you mean '{}'?", *meant));
    }
  }
  return text;
}

}  // namespace

int config_parse(const SettingsArguments& arguments, const std::string& file) {
  auto settings = load_settings(arguments);
  if (!settings) return 1;
  Vocabulary vocabulary(*settings);
  if (std::error_code error; std::filesystem::is_directory(file, error)) {
    fmt::print(stderr, "sluice: {} is a folder: name a file\n", file);
    return 1;
  }
  auto text = read_file(file);
  auto delta = text ? load_configuration(vocabulary, *text) : std::unexpected(text.error());
  if (!delta) {
    std::string problems = with_guesses(std::move(delta).error(), vocabulary);
    if (!problems.ends_with('\n')) problems += '\n';
    fmt::print(stderr, "{}: not valid\n{}", file, problems);
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
