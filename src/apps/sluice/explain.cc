// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.h"

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/json.h"
#include "base/strings.h"
#include "commands.h"
#include "gateway/config/snapshot_builder.h"
#include "gateway/explain.h"

namespace sluice::apps {
namespace {

Result<cli::ImaginedRequest> imagine(const ExplainArguments& arguments) {
  cli::ImaginedRequest request{arguments.method, arguments.url, {}, arguments.client_ip};
  if (request.url.empty()) {
    if (!arguments.method.contains("://")) return fail(Errc::Invalid, "expected METHOD URL, or the URL of a stream");
    request.method = "GET";
    request.url = arguments.method;
    if (!arguments.sni.empty()) request.url += "?sni=" + arguments.sni;
  } else if (!arguments.sni.empty()) {
    return fail(Errc::Invalid, "--sni is for streams; of a request the name is that of its URL");
  }
  for (const std::string& header : arguments.headers) {
    const std::size_t colon = header.find(':');
    if (colon == header.npos || colon == 0) return fail(Errc::Invalid, "header without a colon: " + header);
    request.headers.emplace_back(trim(header.substr(0, colon)), trim(header.substr(colon + 1)));
  }
  return request;
}

/// What a gateway with these settings and this file would do.
Result<Json> explain_file(const settings::Settings& settings, cli::ImaginedRequest request) {
  const std::string& file = settings.declarative_config;
  const Vocabulary vocabulary(settings);
  auto text = read_file(file);
  if (!text) return fail(Errc::NotFound, text.error());
  auto delta = load_configuration(vocabulary, *text);
  if (!delta) return fail(Errc::Invalid, file + ": not valid\n" + std::string(trim(delta.error())));
  gateway::SnapshotBuilder builder(*vocabulary.catalog, vocabulary.plugins, vocabulary.flavor);
  const auto built = builder.build(*builder.empty(), *std::move(delta));
  if (!built) {
    std::string problems = file + ": cannot be served";
    for (const auto& problem : built.error()) problems += fmt::format("\n{}: {}", problem.type, problem.message);
    return fail(Errc::Invalid, std::move(problems));
  }
  return gateway::explain_request(
      **built, {std::move(request.method), std::move(request.url), std::move(request.headers), request.client_ip});
}

}  // namespace

int explain(const SettingsArguments& arguments, const ExplainArguments& wanted) {
  auto answer = [&]() -> Result<Json> {
    TRY(auto request, imagine(wanted));
    if (arguments.declarative.empty()) return cli::ask_gateway(wanted.gateway, request);
    const auto settings = load_settings(arguments);
    if (!settings) return fail(Errc::Invalid, "the settings are not valid");
    return explain_file(*settings, std::move(request));
  }();
  if (!answer) {
    fmt::print(stderr, "sluice: {}\n", answer.error().what);
    return kExplainNotAsked;
  }
  fmt::print("{}", wanted.as_json ? to_pretty_json(*answer) + "\n" : cli::explanation_text(*answer));
  const Json* route = answer->find("route");
  return route != nullptr && !route->is_null() ? 0 : kExplainNoRoute;
}

}  // namespace sluice::apps
