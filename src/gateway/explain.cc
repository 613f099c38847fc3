// SPDX-License-Identifier: Apache-2.0
#include "gateway/explain.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "gateway/balancer/targets.h"
#include "gateway/pipeline/plan.h"
#include "gateway/router/explain.h"
#include "gateway/router/path.h"
#include "gateway/router/upstream_path.h"

namespace sluice::gateway {
namespace {

class QueryHeaders final : public expr::HeaderSource {
 public:
  explicit QueryHeaders(const sync::ExplainQuery& query) : query_(query) {}
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name, std::size_t nth) const override {
    for (const auto& [sent, value] : query_.headers) {
      if (expr::names_header(sent, name) && nth-- == 0) return value;
    }
    return std::nullopt;
  }

 private:
  const sync::ExplainQuery& query_;
};

/// The parts of http(s)://host[:port]/path?query; a bare path is taken for host "localhost".
struct Target {
  bool https = false;
  std::string host = "localhost";
  std::uint16_t port = 80;
  std::string path = "/";
  std::string query;
};

Target parse_target(std::string_view url) {
  Target target;
  if (std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    target.https = iequals(url.substr(0, scheme), "https");
    target.port = target.https ? 443 : 80;
    url.remove_prefix(scheme + 3);
    std::size_t end = std::min(url.find_first_of("/?"), url.size());
    std::string_view authority = url.substr(0, end);
    std::size_t colon = authority.rfind(':');
    if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
      if (auto port = parse_int<std::uint16_t>(authority.substr(colon + 1))) target.port = *port;
      authority = authority.substr(0, colon);
    }
    target.host = to_lower(authority);
    url.remove_prefix(end);
  }
  std::size_t question = url.find('?');
  if (!url.substr(0, question).empty()) target.path = url.substr(0, question);
  if (question != std::string_view::npos) target.query = url.substr(question + 1);
  return target;
}

Json name_or_id(const std::string& name, const std::string& id) {
  return name.empty() ? Json(id) : Json(name);
}

Json scope_of(const PluginConfig& row) {
  Json::Array scope;
  if (!row.route.is_nil()) scope.emplace_back("route");
  if (!row.service.is_nil()) scope.emplace_back("service");
  if (!row.consumer.is_nil()) scope.emplace_back("consumer");
  if (!row.consumer_group.is_nil()) scope.emplace_back("consumer_group");
  if (scope.empty()) scope.emplace_back("global");
  return scope;
}

Json plugins_of(const Snapshot& snapshot, const RouteConfig* route, Subsystem subsystem = Subsystem::Http) {
  Json::Array plugins;
  for (const auto& row : effective_rows(snapshot, route, nullptr, subsystem)) {
    plugins.emplace_back(Json::Object{{"name", row->descriptor->name},
                                      {"priority", static_cast<std::int64_t>(row->descriptor->priority)},
                                      {"id", row->identity.id_text},
                                      {"scope", scope_of(*row)}});
  }
  return plugins;
}

Json candidates_of(const Snapshot& snapshot, const router::MatchInput& input) {
  Json::Array losers;
  for (const router::Candidate& candidate : router::explain(*snapshot.routes, input)) {
    if (candidate.outcome == router::Candidate::Outcome::Matched) continue;
    losers.emplace_back(Json::Object{{"route", name_or_id(candidate.route->name, candidate.route->id.to_string())},
                                     {"reason", candidate.reason}});
  }
  return losers;
}

/// `path` is that of the upstream's request; empty of a stream.
Json upstream_of(const Snapshot& snapshot, const ServiceConfig& service, const std::string& path) {
  Json::Object upstream{{"service", name_or_id(service.name, service.id_text)},
                        {"protocol", service.protocol},
                        {"host", service.host},
                        {"port", static_cast<std::int64_t>(service.port)},
                        {"path", path}};
  if (const auto* balanced = snapshot.upstream_in(service.workspace, service.host)) {
    Json::Array targets;
    for (const TargetConfig& target : effective_targets(**balanced)) {
      targets.emplace_back(
          Json::Object{{"target", name_of(target)}, {"weight", static_cast<std::int64_t>(target.weight)}});
    }
    upstream.set("targets", std::move(targets));
  }
  return upstream;
}

std::string upstream_path(const ServiceConfig& service, const RouteConfig& route, const router::Match& match,
                          std::string_view request_path) {
  std::string path;
  router::append_upstream_path(
      path, {.service_path = service.path,
             .request_path = request_path,
             .prefix_length = match.prefix_length,
             .strip_path = route.strip_path,
             .handling = route.path_handling_v1 ? router::PathHandling::V1 : router::PathHandling::V0});
  return path;
}

/// tcp://address:port, udp:// likewise, tls://address:port?sni=name or tls://name:port.
std::optional<expr::Protocol> stream_protocol(std::string_view url) {
  if (url.starts_with("tcp://")) return expr::Protocol::Tcp;
  if (url.starts_with("tls://")) return expr::Protocol::Tls;
  if (url.starts_with("udp://")) return expr::Protocol::Udp;
  return std::nullopt;
}

/// The same for a session of a stream.
Json explain_session(const Snapshot& snapshot, expr::Protocol protocol, const sync::ExplainQuery& query) {
  const Target target = parse_target(query.url);
  const auto destination = IpAddress::parse(target.host);
  std::string sni = target.query.starts_with("sni=") ? to_lower(target.query.substr(4)) : std::string();
  if (protocol == expr::Protocol::Tls && sni.empty() && !destination) sni = target.host;
  router::MatchInput input;
  input.protocol = protocol;
  input.sni = sni;
  input.dst_port = target.port;
  if (destination) input.dst_ip = *destination;
  if (auto ip = IpAddress::parse(query.client_ip)) input.src_ip = *ip;

  Json::Object answer;
  const router::Match match = snapshot.routes->match(input);
  const auto* route = static_cast<const RouteConfig*>(match.target);
  answer.set("session", Json::Object{{"protocol", std::string(expr::to_string(protocol))},
                                     {"destination", to_string(input.dst_ip, target.port)},
                                     {"client_ip", query.client_ip},
                                     {"sni", sni.empty() ? Json() : Json(sni)}});
  answer.set("route", route != nullptr ? name_or_id(route->name, route->id_text) : Json());
  answer.set("candidates", candidates_of(snapshot, input));
  answer.set("plugins", plugins_of(snapshot, route, Subsystem::Stream));
  const auto* service = route != nullptr ? snapshot.services.find(route->service.id) : nullptr;
  answer.set("upstream", service != nullptr ? upstream_of(snapshot, **service, "") : Json());
  if (route != nullptr && protocol == expr::Protocol::Tls) {
    answer.set("tls", route->is_passthrough() ? "passed through" : "ended here");
  }
  return answer;
}

}  // namespace

Json explain_request(const Snapshot& snapshot, const sync::ExplainQuery& query) {
  if (const auto protocol = stream_protocol(query.url)) return explain_session(snapshot, *protocol, query);
  const Target target = parse_target(query.url);
  Json::Object answer;
  std::string buffer;
  auto path = router::normalize_path(target.path, buffer);
  if (!path) {
    answer.set("refused", std::string(router::to_string(path.error())));
    answer.set("status", 400);
    return answer;
  }
  QueryHeaders headers(query);
  router::MatchInput input;
  input.protocol = target.https ? expr::Protocol::Https : expr::Protocol::Http;
  input.method = query.method;
  input.host = target.host;
  input.path = *path;
  input.query = target.query;
  input.sni = target.https ? std::string_view(target.host) : std::string_view{};
  input.dst_port = target.port;
  input.headers = &headers;
  if (auto ip = IpAddress::parse(query.client_ip)) input.src_ip = *ip;

  const router::Match match = snapshot.routes->match(input);
  const RouteConfig* route = match ? static_cast<const RouteConfig*>(match.route->target.get()) : nullptr;
  answer.set("request", Json::Object{{"method", query.method}, {"host", target.host}, {"path", std::string(*path)}});
  answer.set("route", route != nullptr ? name_or_id(route->name, route->id_text) : Json());
  answer.set("candidates", candidates_of(snapshot, input));
  answer.set("plugins", plugins_of(snapshot, route));
  if (route == nullptr) {
    answer.set("status", 404);
    return answer;
  }
  if (const auto* service = snapshot.services.find(route->service.id)) {
    answer.set("upstream", upstream_of(snapshot, **service, upstream_path(**service, *route, match, *path)));
  } else {
    answer.set("upstream", nullptr);
    answer.set("status", 503);
  }
  return answer;
}

}  // namespace sluice::gateway
