// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/conditions.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace sluice::gateway::router {
namespace {

using expr::Anchor;
using expr::Matched;
using expr::NamePattern;
using expr::Protocol;

bool method_allowed(const Route& route, std::string_view method) {
  return route.methods.empty() || std::ranges::find(route.methods, method) != route.methods.end();
}

// A wildcard stands for at least one octet.
bool name_matches(const NamePattern& pattern, std::string_view name) {
  switch (pattern.kind) {
    case NamePattern::Kind::Exact:
      return name == pattern.text;
    case NamePattern::Kind::Suffix:
      return name.size() > pattern.text.size() && name.ends_with(pattern.text);
    case NamePattern::Kind::Prefix:
      return name.size() > pattern.text.size() && name.starts_with(pattern.text);
  }
  return false;
}

bool host_allowed(const Route& route, const MatchInput& input) {
  return route.hosts.empty() || std::ranges::any_of(route.hosts, [&](const HostRule& rule) {
           return (rule.port == 0 || rule.port == input.dst_port) && name_matches(rule.name, input.host);
         });
}

bool regex_found(const Entry& entry, std::string_view path, PathHit& hit) {
  for (const expr::RegexRef& regex : entry.regexes) {
    std::string_view whole;
    const Matched result = regex->search(path, Anchor::Start, &whole);
    if (result == Matched::TooCostly) hit.too_costly = true;
    if (result != Matched::Yes) continue;
    hit.length = whole.size();
    hit.regex = regex.get();
    return true;
  }
  return false;
}

bool path_allowed(const Entry& entry, std::string_view path, PathHit& hit) {
  if (!entry.regexes.empty()) return regex_found(entry, path, hit);
  if (entry.prefixes.empty()) return true;
  const auto found = std::ranges::find_if(entry.prefixes, [&](const auto& prefix) { return path.starts_with(prefix); });
  if (found == entry.prefixes.end()) return false;
  hit.length = found->size();
  return true;
}

bool header_value_matches(const HeaderMatcher& matcher, std::string_view value, PathHit& hit) {
  if (!matcher.regex) {
    return std::ranges::any_of(matcher.values, [&](const auto& wanted) { return iequals(wanted, value); });
  }
  thread_local std::string lower;
  lower.resize(value.size());
  std::ranges::transform(value, lower.begin(), ascii_lower);
  const Matched result = matcher.regex->search(lower, Anchor::None);
  if (result == Matched::TooCostly) hit.too_costly = true;
  return result == Matched::Yes;
}

bool headers_match(const Route::Rare& rare, const MatchInput& input, PathHit& hit) {
  return std::ranges::all_of(rare.headers, [&](const HeaderMatcher& matcher) {
    if (!input.headers) return false;
    for (std::size_t n = 0;; ++n) {
      const auto value = input.headers->value(matcher.name, n);
      if (!value) return false;
      if (header_value_matches(matcher, *value, hit)) return true;
    }
  });
}

// Names apply to TLS only: on a plain connection there is none to compare.
bool sni_matches(const Route::Rare& rare, const MatchInput& input) {
  if (rare.snis.empty() || (input.protocol != Protocol::Https && input.protocol != Protocol::Tls)) return true;
  return std::ranges::any_of(rare.snis, [&](const NamePattern& sni) { return name_matches(sni, input.sni); });
}

bool endpoint_matches(const std::vector<EndpointMatcher>& matchers, const IpAddress& ip, std::uint16_t port) {
  return matchers.empty() || std::ranges::any_of(matchers, [&](const EndpointMatcher& matcher) {
           return (!matcher.port || *matcher.port == port) && (!matcher.range || matcher.range->contains(ip));
         });
}

bool expression_holds(const Route::Rare& rare, const MatchInput& input, PathHit& hit) {
  if (!rare.expression) return true;
  expr::PathMatch path;
  if (!rare.expression->matches(input, &path)) return false;
  hit.length = path.length;
  hit.regex = path.regex;
  return true;
}

bool rare_demands_met(const Route::Rare& rare, const MatchInput& input, PathHit& hit) {
  return headers_match(rare, input, hit) && sni_matches(rare, input) &&
         endpoint_matches(rare.sources, input.src_ip, input.src_port) &&
         endpoint_matches(rare.destinations, input.dst_ip, input.dst_port) && expression_holds(rare, input, hit);
}

}  // namespace

std::string_view to_string(Attribute attribute) {
  constexpr std::array<std::string_view, kAttributeCount> kNames = {
      "protocols", "methods", "hosts", "paths", "headers", "snis", "sources", "destinations", "expression"};
  return kNames.at(static_cast<std::size_t>(attribute));
}

bool meets(EntryView entry, Attribute attribute, const MatchInput& input, PathHit& hit) {
  const Route& route = *entry.route;
  switch (attribute) {
    case Attribute::Protocol:
      return route.allows(input.protocol);
    case Attribute::Methods:
      return method_allowed(route, input.method);
    case Attribute::Hosts:
      return host_allowed(route, input);
    case Attribute::Paths:
      return path_allowed(entry.entry(), input.path, hit);
    default:
      break;
  }
  if (!route.rare) return true;
  const Route::Rare& rare = *route.rare;
  switch (attribute) {
    case Attribute::Headers:
      return headers_match(rare, input, hit);
    case Attribute::Snis:
      return sni_matches(rare, input);
    case Attribute::Sources:
      return endpoint_matches(rare.sources, input.src_ip, input.src_port);
    case Attribute::Destinations:
      return endpoint_matches(rare.destinations, input.dst_ip, input.dst_port);
    case Attribute::Expression:
      return expression_holds(rare, input, hit);
    default:
      return true;
  }
}

bool meets_all(EntryView view, const MatchInput& input, Known known, PathHit& hit) {
  if (known.prefix != 0 && (view.plain_protocols >> static_cast<unsigned>(input.protocol) & 1U) != 0) {
    hit.length = known.prefix;
    return true;
  }
  const Route& route = *view.route;
  const Entry& entry = view.entry();
  if (!route.allows(input.protocol) || !method_allowed(route, input.method)) return false;
  const bool host_known = known.name && !(route.rare && route.rare->hosts_have_ports);
  if (!host_known && !host_allowed(route, input)) return false;
  if (known.prefix != 0 && !entry.prefixes.empty()) {
    hit.length = known.prefix;
  } else if (!path_allowed(entry, input.path, hit)) {
    return false;
  }
  return !route.rare || rare_demands_met(*route.rare, input, hit);
}

}  // namespace sluice::gateway::router
