// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include <fmt/core.h>
#include <signal.h>

#include "base/json.h"
#include "commands.h"
#include "gateway/config/snapshot_builder.h"
#include "gateway/explain.h"

namespace sluice::apps {
namespace {

void print_explanation(const Json& answer) {
  auto text = [&](const Json* value) {
    return value == nullptr || value->is_null() ? std::string("(none)") : value->as_string();
  };
  if (const Json* refused = answer.find("refused")) {
    fmt::print("refused  400, {}\n", refused->as_string());
    return;
  }
  const Json* route = answer.find("route");
  fmt::print("route    {}\n", route->is_null() ? "(none: no Route matched with those values)" : route->as_string());
  for (const Json& candidate : answer.find("candidates")->as_array()) {
    fmt::print("  not    {}: {}\n", text(candidate.find("route")), text(candidate.find("reason")));
  }
  fmt::print("plugins  {}\n", answer.find("plugins")->as_array().empty() ? "(none)" : "");
  for (const Json& plugin : answer.find("plugins")->as_array()) {
    std::string scope;
    for (const Json& part : plugin.find("scope")->as_array()) scope += (scope.empty() ? "" : "+") + part.as_string();
    fmt::print("  {:<24} priority {:>6}  {}\n", plugin.find("name")->as_string(), plugin.find("priority")->as_int(),
               scope);
  }
  const Json* upstream = answer.find("upstream");
  if (upstream == nullptr || upstream->is_null()) {
    fmt::print("upstream (none)\n");
    return;
  }
  fmt::print("upstream {}://{}:{}{} (service {})\n", text(upstream->find("protocol")), text(upstream->find("host")),
             upstream->find("port")->as_int(), text(upstream->find("path")), text(upstream->find("service")));
}

}  // namespace

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
  for (const char* name : {"tls", "http2", "upstream-tls", "proxy-protocol", "explain", "supervisor", "database"})
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

int explain(const SettingsArguments& arguments, const ExplainArguments& request) {
  auto settings = load_settings(arguments);
  if (!settings) return 1;
  Vocabulary vocabulary(*settings);
  auto text = read_file(settings->declarative_config);
  auto delta = text ? load_configuration(vocabulary, *text) : std::unexpected(text.error() + "\n");
  if (!delta) {
    fmt::print(stderr, "{}: not valid\n{}", settings->declarative_config, delta.error());
    return 1;
  }
  gateway::SnapshotBuilder builder(*vocabulary.catalog, vocabulary.plugins, vocabulary.flavor);
  auto built = builder.build(*builder.empty(), *std::move(delta));
  if (!built) {
    for (const auto& problem : built.error()) fmt::print(stderr, "{}: {}\n", problem.type, problem.message);
    return 1;
  }
  sync::ExplainQuery query;
  query.method = request.method;
  query.url = request.url;
  for (const std::string& header : request.headers) {
    std::size_t colon = header.find(':');
    if (colon == std::string::npos) {
      fmt::print(stderr, "sluice: header without a colon: {}\n", header);
      return 1;
    }
    std::size_t value = header.find_first_not_of(" \t", colon + 1);
    query.headers.emplace_back(header.substr(0, colon), value == std::string::npos ? "" : header.substr(value));
  }
  Json answer = gateway::explain_request(**built, query);
  if (request.as_json) {
    fmt::print("{}\n", to_pretty_json(answer));
  } else {
    print_explanation(answer);
  }
  return answer.find("route") != nullptr && !answer.find("route")->is_null() ? 0 : 1;
}

}  // namespace sluice::apps
