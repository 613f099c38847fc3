// SPDX-License-Identifier: Apache-2.0
#include "cli/openapi/service.h"

#include <utility>

#include "base/strings.h"
#include "cli/openapi/names.h"

namespace sluice::cli::openapi {
namespace {

struct Server {
  std::string protocol = "https";
  std::string host = "localhost";
  std::uint16_t port = 443;
  std::string path;
};

/// `{name}` becomes the variable's default.
Result<std::string> filled_in(const Json& server) {
  const Json* url = server.find("url");
  if (url == nullptr || !url->is_string()) return fail(Errc::Invalid, "servers: a server has no url");
  const Json* variables = server.find("variables");
  std::string text = url->as_string();
  for (std::size_t at = text.find('{'); at != text.npos; at = text.find('{', at)) {
    const std::size_t end = text.find('}', at);
    if (end == text.npos) return fail(Errc::Invalid, "servers: " + text + ": a variable is not closed");
    const std::string name = text.substr(at + 1, end - at - 1);
    const Json* variable = variables != nullptr ? variables->find(name) : nullptr;
    const Json* preset = variable != nullptr ? variable->find("default") : nullptr;
    if (preset == nullptr) return fail(Errc::Invalid, "servers: " + text + ": variable " + name + " has no default");
    const std::string value = preset->is_string() ? preset->as_string() : to_json(*preset);
    text.replace(at, end - at + 1, value);
    at += value.size();
  }
  return text;
}

Result<Server> parse_server(std::string_view url) {
  Server server;
  std::string_view rest = url;
  if (const std::size_t scheme = rest.find("://"); scheme != rest.npos) {
    server.protocol = to_lower(rest.substr(0, scheme));
    rest.remove_prefix(scheme + 3);
  } else if (rest.starts_with("//")) {
    rest.remove_prefix(2);
  } else {
    rest = {};
    server.path = url.starts_with('/') ? std::string(url) : "/" + std::string(url);
  }
  server.port = server.protocol == "http" || server.protocol == "ws" ? 80 : 443;
  if (server.protocol == "ws") server.protocol = "http";
  if (server.protocol == "wss") server.protocol = "https";
  if (!rest.empty()) {
    const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, slash);
    server.path = rest.substr(slash, rest.find_first_of("?#", slash) - slash);
    const std::size_t colon = authority.rfind(':');
    if (colon != authority.npos && authority.find(']', colon) == authority.npos) {
      auto port = parse_int<std::uint16_t>(authority.substr(colon + 1));
      if (!port) return fail("servers: " + std::string(url) + ": port: ", port.error());
      server.port = *port;
      authority = authority.substr(0, colon);
    }
    if (authority.empty()) return fail(Errc::Invalid, "servers: " + std::string(url) + ": no host");
    server.host = authority;
  }
  while (server.path.ends_with('/')) server.path.pop_back();
  return server;
}

Result<std::vector<Server>> servers_of(const Json* list) {
  std::vector<Server> servers;
  if (list != nullptr && list->is_array()) {
    for (const Json& entry : list->as_array()) {
      TRY(const std::string url, filled_in(entry));
      TRY(Server server, parse_server(url));
      servers.push_back(std::move(server));
    }
  }
  if (servers.empty()) servers.emplace_back();
  return servers;
}

void put_default(Json::Object& object, std::string_view name, Json value) {
  if (!object.contains(name)) object.set(name, std::move(value));
}

Json tag_list(const std::vector<std::string>& tags) {
  return Json(Json::Array(tags.begin(), tags.end()));
}

Json::Object make_upstream(const ServiceInput& input, const std::string& name, const std::vector<Server>& servers) {
  Json::Object upstream;
  if (input.upstream_defaults != nullptr && input.upstream_defaults->is_object()) {
    upstream = input.upstream_defaults->as_object();
  }
  if (input.ids) upstream.set("id", id_of(name));
  upstream.set("name", name);
  if (!input.tags.empty()) upstream.set("tags", tag_list(input.tags));
  if (!upstream.contains("targets")) {
    Json::Array targets;
    for (const Server& server : servers) {
      Json::Object target{{"target", server.host + ":" + std::to_string(server.port)}};
      if (!input.tags.empty()) target.append("tags", tag_list(input.tags));
      targets.emplace_back(std::move(target));
    }
    upstream.set("targets", std::move(targets));
  }
  return upstream;
}

}  // namespace

Result<ServiceOutput> make_service(const ServiceInput& input) {
  TRY(const auto servers, servers_of(input.servers));
  ServiceOutput output;
  if (input.service_defaults != nullptr && input.service_defaults->is_object()) {
    output.service = input.service_defaults->as_object();
  }
  if (input.ids) output.service.set("id", id_of(input.name + ".service"));
  output.service.set("name", input.name);
  const Server& first = servers.front();
  put_default(output.service, "protocol", first.protocol);
  put_default(output.service, "port", first.port);
  if (!first.path.empty()) put_default(output.service, "path", first.path);
  if (servers.size() > 1 || input.upstream_defaults != nullptr) {
    const std::string name = input.name + ".upstream";
    output.upstream = make_upstream(input, name, servers);
    output.service.set("host", name);
  } else {
    put_default(output.service, "host", first.host);
  }
  if (!input.tags.empty()) output.service.set("tags", tag_list(input.tags));
  return output;
}

}  // namespace sluice::cli::openapi
