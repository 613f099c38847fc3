// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/route.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/strings.h"

namespace sluice::gateway::router {
namespace {

using expr::NamePattern;
using expr::Protocol;

constexpr std::uint8_t bit(Protocol protocol) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(protocol));
}
constexpr std::uint8_t kHttpProtocols = bit(Protocol::Http) | bit(Protocol::Https);

// What may reach a route of matchers. HTTP: either scheme, since the protocol is judged after the match (426 or a
// redirect). Streams: a TLS session may end at a tcp route, never the other way round, and datagrams keep to udp.
std::uint8_t protocols_of_matchers(const RouteSpec& spec) {
  if (!is_stream(spec)) return kHttpProtocols;
  std::uint8_t set = 0;
  for (const RouteProtocol protocol : spec.protocols) {
    switch (protocol) {
      case RouteProtocol::Tcp:
        set |= bit(Protocol::Tcp) | bit(Protocol::Tls);
        break;
      case RouteProtocol::Udp:
        set |= bit(Protocol::Udp);
        break;
      default:
        set |= bit(Protocol::Tls);
        break;
    }
  }
  return set;
}

// Reference 4.4: protocols join the expression, but a lone https, tls or tls_passthrough does not.
std::uint8_t protocols_of_expression(const RouteSpec& spec) {
  if (spec.protocols.size() == 1) {
    const RouteProtocol only = spec.protocols.front();
    if (only == RouteProtocol::Https) return kHttpProtocols;
    if (only == RouteProtocol::Tls || only == RouteProtocol::TlsPassthrough)
      return bit(Protocol::Tcp) | bit(Protocol::Tls);
  }
  std::uint8_t set = 0;
  for (const RouteProtocol protocol : spec.protocols) {
    switch (protocol) {
      case RouteProtocol::Http:
      case RouteProtocol::Grpc:
        set |= bit(Protocol::Http);
        break;
      case RouteProtocol::Https:
      case RouteProtocol::Grpcs:
        set |= bit(Protocol::Https);
        break;
      case RouteProtocol::Tcp:
      case RouteProtocol::TlsPassthrough:
        set |= bit(Protocol::Tcp);
        break;
      case RouteProtocol::Tls:
        set |= bit(Protocol::Tls);
        break;
      case RouteProtocol::Udp:
        set |= bit(Protocol::Udp);
        break;
    }
  }
  return set;
}

NamePattern name_pattern(std::string_view text) {
  using Kind = NamePattern::Kind;
  if (text.starts_with('*')) return {Kind::Suffix, to_lower(text.substr(1))};
  if (text.ends_with('*')) return {Kind::Prefix, to_lower(text.substr(0, text.size() - 1))};
  return {Kind::Exact, to_lower(text)};
}

// The colon before a port, and none of those inside `[::1]`.
HostRule host_rule(std::string_view text) {
  HostRule rule;
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), rule.port);
    text = text.substr(0, colon);
  }
  rule.name = name_pattern(text);
  return rule;
}

class Compiler {
 public:
  Compiler(const RouteSpec& spec, Flavor flavor, expr::RegexCache& regexes)
      : spec_(spec),
        flavor_(flavor),
        dialect_(flavor == Flavor::Traditional ? expr::RegexDialect::Pcre : expr::RegexDialect::Rust),
        regexes_(regexes) {}

  std::expected<Shared<const Route>, std::vector<RouteProblem>> run() {
    route_->id = spec_.id;
    route_->name = spec_.name;
    route_->created_at = spec_.created_at;
    route_->target = spec_.target;
    route_->strip_path = spec_.strip_path;
    route_->stream = is_stream(spec_);
    if (spec_.expression.empty()) {
      matchers();
    } else {
      expression();
    }
    if (has_rare_) route_->rare = std::make_unique<const Route::Rare>(std::move(rare_));
    route_->only_prefixes = !has_rare_ && route_->methods.empty() && route_->hosts.empty() &&
                            std::ranges::none_of(route_->entries, &std::vector<std::string>::empty, &Entry::prefixes);
    if (!problems_.empty()) return std::unexpected(std::move(problems_));
    return Shared<const Route>(std::move(route_));
  }

 private:
  void expression() {
    route_->protocols = protocols_of_expression(spec_);
    const auto schema = route_->stream ? expr::Schema::Stream : expr::Schema::Http;
    auto parsed = expr::Expression::parse(spec_.expression, schema, regexes_);
    if (parsed) {
      rare_.expression = std::move(*parsed);
      has_rare_ = true;
    } else {
      for (const auto& problem : parsed.error()) report("expression", to_string(problem));
    }
    route_->entries.push_back({.rank = rank_of(spec_, {}, flavor_), .prefixes = {}, .regexes = {}});
  }

  void matchers() {
    route_->protocols = protocols_of_matchers(spec_);
    route_->methods = spec_.methods;
    for (const std::string& host : spec_.hosts) {
      route_->hosts.push_back(host_rule(host));
      if (route_->hosts.back().port != 0) has_rare_ = rare_.hosts_have_ports = true;
    }
    for (const std::string& sni : spec_.snis) rare_.snis.push_back(name_pattern(sni));
    for (const HeaderRule& rule : spec_.headers) header(rule);
    endpoints(spec_.sources, "sources", rare_.sources);
    endpoints(spec_.destinations, "destinations", rare_.destinations);
    has_rare_ |= !spec_.snis.empty() || !spec_.headers.empty() || !spec_.sources.empty() || !spec_.destinations.empty();
    for (PathGroup& group : group_paths(spec_, flavor_)) entry(group);
  }

  void entry(PathGroup& group) {
    Entry entry{.rank = rank_of(spec_, group, flavor_), .prefixes = {}, .regexes = {}};
    if (!group.regex) {
      entry.prefixes = std::move(group.paths);
    } else {
      for (const std::string& pattern : group.paths) {
        if (auto regex = compile(pattern, "paths")) entry.regexes.push_back(std::move(regex));
      }
    }
    route_->entries.push_back(std::move(entry));
  }

  void header(const HeaderRule& rule) {
    HeaderMatcher matcher{.name = to_lower(rule.name), .values = {}, .regex = nullptr};
    std::ranges::replace(matcher.name, '-', '_');
    if (rule.values.size() == 1 && rule.values.front().starts_with("~*")) {
      matcher.regex = compile(std::string_view(rule.values.front()).substr(2), "headers");
    } else {
      for (const std::string& value : rule.values) matcher.values.push_back(to_lower(value));
    }
    rare_.headers.push_back(std::move(matcher));
  }

  void endpoints(const std::vector<EndpointRule>& rules, const char* field, std::vector<EndpointMatcher>& out) {
    for (const EndpointRule& rule : rules) {
      EndpointMatcher matcher{.range = std::nullopt, .port = rule.port};
      if (!rule.ip.empty()) {
        auto range = Cidr::parse(rule.ip);
        if (range) {
          matcher.range = *range;
        } else {
          report(field, range.error().what);
        }
      }
      out.push_back(matcher);
    }
  }

  expr::RegexRef compile(std::string_view pattern, const char* field) {
    auto regex = regexes_.get(pattern, dialect_);
    if (regex) return std::move(*regex);
    report(field, "'" + std::string(pattern) + "': " + regex.error().what);
    return nullptr;
  }

  void report(std::string field, std::string message) {
    problems_.push_back({.id = spec_.id, .field = std::move(field), .message = std::move(message)});
  }

  const RouteSpec& spec_;
  Flavor flavor_;
  expr::RegexDialect dialect_;
  expr::RegexCache& regexes_;
  Shared<Route> route_ = Shared<Route>::make();
  Route::Rare rare_;
  bool has_rare_ = false;
  std::vector<RouteProblem> problems_;
};

}  // namespace

std::expected<Shared<const Route>, std::vector<RouteProblem>> Route::compile(const RouteSpec& spec, Flavor flavor,
                                                                             expr::RegexCache& regexes) {
  return Compiler(spec, flavor, regexes).run();
}

bool goes_before(EntryView a, EntryView b) {
  const Rank& left = a.entry().rank;
  const Rank& right = b.entry().rank;
  if (left != right) return left > right;
  if (a.route->created_at != b.route->created_at) return a.route->created_at < b.route->created_at;
  if (a.route->id != b.route->id) return a.route->id < b.route->id;
  return a.index < b.index;
}

}  // namespace sluice::gateway::router
