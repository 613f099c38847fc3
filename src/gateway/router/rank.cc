// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/rank.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <utility>

namespace sluice::gateway::router {
namespace {

constexpr std::uint64_t kExpressionFloor = std::uint64_t{0xFF} << 56;  // expressions beat every other route
constexpr std::uint64_t kMaxPathLength = (std::uint64_t{1} << 19) - 1;

// Attribute kinds of flavor traditional; more kinds win, then the larger sum.
constexpr std::uint64_t kHost = 0x40;
constexpr std::uint64_t kHeader = 0x20;
constexpr std::uint64_t kPath = 0x10;
constexpr std::uint64_t kMethod = 0x08;
constexpr std::uint64_t kSni = 0x04;
constexpr std::uint64_t kSource = 0x02;
constexpr std::uint64_t kDestination = 0x01;
// Within a category.
constexpr std::uint64_t kWildcardHostWithPort = 0x04;
constexpr std::uint64_t kPlainHostsOnly = 0x02;
constexpr std::uint64_t kRegexPath = 0x01;

bool is_wildcard(std::string_view host) {
  return host.find('*') != std::string_view::npos;
}

bool has_port(std::string_view host) {
  const auto colon = host.rfind(':');
  return colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
}

bool plain_hosts_only(const RouteSpec& spec) {
  return !spec.hosts.empty() && std::ranges::none_of(spec.hosts, is_wildcard);
}

std::uint64_t path_length(const PathGroup& group) {
  if (group.regex || group.paths.empty()) return 0;
  return std::min<std::uint64_t>(group.paths.front().size(), kMaxPathLength);
}

std::uint64_t header_count(const RouteSpec& spec) {
  return std::min<std::size_t>(spec.headers.size(), 255);
}

// Order-preserving: negative priorities stay below zero's place.
std::uint64_t biased(std::int64_t priority) {
  const auto clamped = std::clamp<std::int64_t>(priority, std::numeric_limits<std::int32_t>::min(),
                                                std::numeric_limits<std::int32_t>::max());
  return static_cast<std::uint64_t>(clamped + (std::int64_t{1} << 31));
}

std::uint64_t category(const RouteSpec& spec, const PathGroup& group) {
  std::uint64_t bits = 0;
  if (!spec.hosts.empty()) bits |= kHost;
  if (!spec.headers.empty()) bits |= kHeader;
  if (!group.paths.empty()) bits |= kPath;
  if (!spec.methods.empty()) bits |= kMethod;
  if (!spec.snis.empty()) bits |= kSni;
  if (!spec.sources.empty()) bits |= kSource;
  if (!spec.destinations.empty()) bits |= kDestination;
  return bits;
}

std::uint64_t count_bits(std::uint64_t bits) {
  std::uint64_t count = 0;
  for (; bits != 0; bits &= bits - 1) ++count;
  return count;
}

bool has_pair(const std::vector<EndpointRule>& rules) {
  return std::ranges::any_of(rules, [](const EndpointRule& rule) { return !rule.ip.empty() && rule.port.has_value(); });
}

Rank traditional_rank(const RouteSpec& spec, const PathGroup& group) {
  const std::uint64_t kinds = category(spec, group);
  std::uint64_t weight = 0;
  if (std::ranges::any_of(spec.hosts, [](const auto& h) { return is_wildcard(h) && has_port(h); })) {
    weight |= kWildcardHostWithPort;
  }
  if (plain_hosts_only(spec)) weight |= kPlainHostsOnly;
  if (group.regex) weight |= kRegexPath;
  if (is_stream(spec)) weight = (has_pair(spec.sources) ? 2U : 0U) | (has_pair(spec.destinations) ? 1U : 0U);
  return {.high = count_bits(kinds) << 18 | kinds << 11 | weight << 8 | header_count(spec),
          .low = (group.regex ? biased(spec.regex_priority) : 0) << 32 | path_length(group)};
}

std::uint64_t endpoint_bits(const std::vector<EndpointRule>& rules) {
  std::uint64_t bits = 0;
  for (const EndpointRule& rule : rules) {
    if (!rule.ip.empty()) bits |= rule.ip.find('/') == std::string::npos ? 8U : 1U;
    if (rule.port) bits |= 4U;
  }
  return bits;
}

std::uint64_t stream_priority(const RouteSpec& spec) {
  std::uint64_t priority = endpoint_bits(spec.sources) << 4 | endpoint_bits(spec.destinations);
  if (!spec.snis.empty() || (!spec.sources.empty() && !spec.destinations.empty())) priority |= std::uint64_t{1} << 61;
  return priority;
}

std::uint64_t http_priority(const RouteSpec& spec, const PathGroup& group) {
  std::uint64_t priority = std::min<std::uint64_t>(count_bits(category(spec, group)), 7) << 61;
  if (plain_hosts_only(spec)) priority |= std::uint64_t{1} << 60;
  priority |= header_count(spec) << 52;
  if (!group.regex) return priority | path_length(group);
  const auto regex_priority = static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(spec.regex_priority, 0, std::numeric_limits<std::uint32_t>::max()));
  return priority | std::uint64_t{1} << 51 | regex_priority << 19;
}

}  // namespace

std::optional<RouteProtocol> parse_route_protocol(std::string_view text) {
  constexpr std::array<std::string_view, 8> kNames = {"http", "https", "grpc", "grpcs",
                                                      "tcp",  "tls",   "udp",  "tls_passthrough"};
  const auto found = std::ranges::find(kNames, text);
  if (text == "ws") return RouteProtocol::Http;  // a WebSocket begins as a request; what is none is refused later
  if (text == "wss") return RouteProtocol::Https;
  if (found == kNames.end()) return std::nullopt;
  return static_cast<RouteProtocol>(found - kNames.begin());
}

std::optional<Flavor> parse_flavor(std::string_view text) {
  if (text == "traditional") return Flavor::Traditional;
  if (text == "traditional_compatible") return Flavor::TraditionalCompatible;
  if (text == "expressions") return Flavor::Expressions;
  return std::nullopt;
}

std::vector<PathGroup> group_paths(const RouteSpec& spec, Flavor flavor) {
  std::vector<PathGroup> groups;
  PathGroup regexes{.regex = true, .paths = {}};
  std::map<std::size_t, PathGroup, std::greater<>> plain;
  for (const std::string& path : spec.paths) {
    const bool regex = path.starts_with('~');
    std::string text = regex ? path.substr(1) : path;
    if (flavor == Flavor::Traditional) {
      groups.push_back({.regex = regex, .paths = {std::move(text)}});
    } else if (regex) {
      regexes.paths.push_back(std::move(text));
    } else {
      plain[text.size()].paths.push_back(std::move(text));
    }
  }
  if (!regexes.paths.empty()) groups.push_back(std::move(regexes));
  for (auto& [length, group] : plain) groups.push_back(std::move(group));
  if (groups.empty()) groups.emplace_back();
  return groups;
}

bool is_stream(const RouteSpec& spec) {
  return std::ranges::any_of(spec.protocols, [](RouteProtocol p) { return p >= RouteProtocol::Tcp; });
}

std::uint64_t compatible_priority(const RouteSpec& spec, const PathGroup& group) {
  if (!spec.expression.empty()) return kExpressionFloor | spec.priority;
  return is_stream(spec) ? stream_priority(spec) : http_priority(spec, group);
}

Rank rank_of(const RouteSpec& spec, const PathGroup& group, Flavor flavor) {
  if (flavor == Flavor::Traditional && spec.expression.empty()) return traditional_rank(spec, group);
  // The number alone cannot tell negative priorities from zero; `low` keeps their order.
  return {.high = compatible_priority(spec, group), .low = group.regex ? biased(spec.regex_priority) : 0};
}

}  // namespace sluice::gateway::router
