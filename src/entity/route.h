// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entity/service.h"
#include "schema/entity.h"

namespace sluice::entity {

/// One of a route's sources or destinations: an address or range, a port, or both.
struct Endpoint {
  std::string ip;
  std::optional<std::uint16_t> port;

  static void describe(schema::Record<Endpoint>& r);
};

/// Matches requests and sends them to a service.
struct Route {
  static constexpr std::string_view kName = "routes";

  schema::Id<Route> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  std::vector<std::string> protocols = {"http", "https"};
  std::vector<std::string> methods;
  std::vector<std::string> hosts;
  std::vector<std::string> paths;  // "/prefix" or "~/regex"
  std::map<std::string, std::vector<std::string>> headers;
  int https_redirect_status_code = 426;
  std::int64_t regex_priority = 0;
  bool strip_path = true;
  std::string path_handling = "v0";
  bool preserve_host = false;
  bool request_buffering = true;
  bool response_buffering = true;
  std::vector<std::string> snis;
  std::vector<Endpoint> sources;
  std::vector<Endpoint> destinations;
  std::vector<std::string> tags;
  schema::Ref<Service> service;
  std::string expression;     // flavor "expressions" only
  std::int64_t priority = 0;  // flavor "expressions" only

  static void describe(schema::Entity<Route>& e);
};

enum class RouterFlavor : std::uint8_t { Traditional, TraditionalCompatible, Expressions };

/// Checks that need the router; each says what is wrong, or nothing. An empty function accepts everything.
struct RouteChecks {
  std::function<std::optional<std::string>(std::string_view pattern)> regex;
  std::function<std::optional<std::string>(const Json::Object& route)> expression;  // sees `expression`, `protocols`
};

/// Whether routes and services may speak WebSocket: ws and wss, which only the ecosystem's enterprise edition knows.
enum class WebSockets : bool { No, Yes };

/// What depends on the router flavor: `expression` and `priority`, wildcards in `snis`, and which matchers the first
/// of `protocols` demands and forbids.
void add_flavor(schema::Entity<Route>& e, RouterFlavor flavor, RouteChecks checks, WebSockets websockets);

}  // namespace sluice::entity
