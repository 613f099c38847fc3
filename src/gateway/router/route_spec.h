// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"

namespace sluice::gateway::router {

/// Which rules decide between routes that match the same request (reference: router, sections 4.2 to 4.4).
enum class Flavor : std::uint8_t { Traditional, TraditionalCompatible, Expressions };

enum class RouteProtocol : std::uint8_t { Http, Https, Grpc, Grpcs, Tcp, Tls, Udp, TlsPassthrough };

/// Empty when there is no such protocol.
std::optional<RouteProtocol> parse_route_protocol(std::string_view text);
std::optional<Flavor> parse_flavor(std::string_view text);

struct HeaderRule {
  std::string name{};
  std::vector<std::string> values{};  // one of them; a single `~*...` is a regex
};

/// One of `sources` or `destinations`.
struct EndpointRule {
  std::string ip{};  // address or range; empty: any
  std::optional<std::uint16_t> port{};
};

/// A route as the router needs it, in the words of the entity. Everything in it has been validated but for patterns
/// and expressions, whose compilation is the validation.
struct RouteSpec {
  Uuid id{};
  std::string name{};
  std::vector<RouteProtocol> protocols = {RouteProtocol::Http, RouteProtocol::Https};
  std::vector<std::string> methods{};
  std::vector<std::string> hosts{};  // `example.com`, `*.example.com:8443`, `example.*`
  std::vector<std::string> paths{};  // `/prefix` or `~/regex`
  std::vector<HeaderRule> headers{};
  std::vector<std::string> snis{};
  std::vector<EndpointRule> sources{};
  std::vector<EndpointRule> destinations{};
  std::int64_t regex_priority = 0;
  std::string expression{};    // excludes the matchers above
  std::uint64_t priority = 0;  // of an expression
  bool strip_path = true;
  std::int64_t created_at = 0;           // Unix seconds; the older route wins a tie
  std::shared_ptr<const void> target{};  // whatever the caller wants back with a match
};

/// Why a route could not be compiled; `field` is the member of the entity.
struct RouteProblem {
  Uuid id{};
  std::string field{};
  std::string message{};
};

}  // namespace sluice::gateway::router
