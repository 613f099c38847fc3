// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.h"

#include <utility>

#include <fmt/core.h>

#include "cli/gateway/admin_client.h"
#include "cli/gateway/admin_target.h"

namespace sluice::cli {
namespace {

std::string text_of(const Json* value) {
  if (value == nullptr || value->is_null()) return "(none)";
  return value->is_string() ? value->as_string() : to_json(*value);
}

/// The members of a list; none when it is not there, as in what a later version may answer.
const Json::Array& entries(const Json& answer, std::string_view list) {
  static const Json::Array kNone;
  const Json* found = answer.find(list);
  return found != nullptr && found->is_array() ? found->as_array() : kNone;
}

std::string plugins_text(const Json& answer) {
  const Json::Array& plugins = entries(answer, "plugins");
  if (plugins.empty()) return "plugins  (none)\n";
  std::string text = "plugins\n";
  for (const Json& plugin : plugins) {
    std::string scope;
    for (const Json& part : entries(plugin, "scope")) scope += (scope.empty() ? "" : "+") + text_of(&part);
    text += fmt::format("  {:<24} priority {:>6}  {}\n", text_of(plugin.find("name")), text_of(plugin.find("priority")),
                        scope);
  }
  return text;
}

std::string upstream_text(const Json* upstream) {
  if (upstream == nullptr || !upstream->is_object()) return "upstream (none)\n";
  const auto part = [&](std::string_view name) { return text_of(upstream->find(name)); };
  std::string text = fmt::format("upstream {}://{}:{}{} (service {})\n", part("protocol"), part("host"), part("port"),
                                 part("path"), part("service"));
  for (const Json& target : entries(*upstream, "targets")) {
    text += fmt::format("  target {}, weight {}\n", text_of(target.find("target")), text_of(target.find("weight")));
  }
  return text;
}

Json question(const ImaginedRequest& request) {
  Json::Array headers;
  for (const auto& [name, value] : request.headers) headers.emplace_back(name + ": " + value);
  return Json::Object{{"method", request.method},
                      {"url", request.url},
                      {"client_ip", request.client_ip},
                      {"headers", std::move(headers)}};
}

}  // namespace

std::string explanation_text(const Json& answer) {
  if (const Json* refused = answer.find("refused")) return fmt::format("refused  400, {}\n", text_of(refused));
  const Json* route = answer.find("route");
  const bool matched = route != nullptr && !route->is_null();
  std::string text =
      fmt::format("route    {}\n", matched ? text_of(route) : "(none: no Route matched with those values)");
  for (const Json& candidate : entries(answer, "candidates")) {
    text += fmt::format("  not    {}: {}\n", text_of(candidate.find("route")), text_of(candidate.find("reason")));
  }
  return text + plugins_text(answer) + upstream_text(answer.find("upstream"));
}

Result<Json> ask_gateway(const GatewayArguments& where, const ImaginedRequest& request) {
  TRY(AdminTarget target, admin_target(where));
  AdminClient client(std::move(target));
  // In the body, which nobody logs: headers of a request may be credentials.
  auto reply = client.send_above("POST", "/explain", to_json(question(request)));
  if (!reply) {
    Error error = std::move(reply).error();
    error.what +=
        "\nIs a gateway running? --admin says where its Admin API is; --declarative FILE explains a file instead.";
    return std::unexpected(std::move(error));
  }
  if (reply->status == 401 || reply->status == 403) {
    return refused_by(client.target(), *reply);
  }
  if (reply->status == 404 || reply->status == 405) {
    return fail(Errc::Unsupported, client.target().url + " explains no requests: it is not the Admin API of Sluice");
  }
  if (reply->status != 200) return fail(Errc::Refused, reply->message());
  if (reply->body.find("route") == nullptr && reply->body.find("refused") == nullptr) {
    return fail(Errc::Invalid, client.target().url + " does not answer as the Admin API of Sluice");
  }
  return std::move(reply->body);
}

}  // namespace sluice::cli
