// SPDX-License-Identifier: Apache-2.0
// Random tables and requests: what the index finds must be what a plain walk over all routes finds, and a table that
// was changed step by step must answer like one that was built at once.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "gateway/router/explain.h"
#include "gateway/router/route_table.h"
#include "gateway/router/router_testing.h"

namespace sluice::gateway::router {
namespace {

using expr::Protocol;
using testing::numbered;
using testing::Request;

// Judges a route from its specification alone; shares nothing with the index or the compiled conditions.
class Oracle {
 public:
  explicit Oracle(Flavor flavor) : flavor_(flavor) {}

  [[nodiscard]] Uuid winner(const std::map<Uuid, RouteSpec>& specs, const Request& request) {
    const RouteSpec* best = nullptr;
    Rank best_rank;
    for (const auto& [id, spec] : specs) {
      for (const PathGroup& group : group_paths(spec, flavor_)) {
        if (!matches(spec, group, request)) continue;
        const Rank rank = rank_of(spec, group, flavor_);
        const bool better = !best || rank > best_rank || (rank == best_rank && spec.created_at < best->created_at);
        if (better) best = &spec, best_rank = rank;  // the map is in order of id: the first of equals stays
      }
    }
    return best ? best->id : Uuid{};
  }

 private:
  static bool name_matches(std::string_view rule, std::string_view name) {
    if (rule.starts_with('*')) return name.size() >= rule.size() && name.ends_with(rule.substr(1));
    if (rule.ends_with('*')) return name.size() >= rule.size() && name.starts_with(rule.substr(0, rule.size() - 1));
    return rule == name;
  }
  static bool host_matches(std::string_view rule, const Request& request) {
    const auto colon = rule.find(':');
    if (colon != std::string_view::npos && rule.substr(colon + 1) != std::to_string(request.port)) return false;
    return name_matches(rule.substr(0, colon), request.host);
  }
  bool path_matches(const PathGroup& group, const Request& request) {
    return group.paths.empty() || std::ranges::any_of(group.paths, [&](const std::string& path) {
             if (!group.regex) return request.path.starts_with(path);
             const auto regex = *regexes_.get(path, expr::RegexDialect::Rust);
             return regex->search(request.path, expr::Anchor::Start) == expr::Matched::Yes;
           });
  }
  static bool headers_match(const RouteSpec& spec, const Request& request) {
    return std::ranges::all_of(spec.headers, [&](const HeaderRule& rule) {
      return std::ranges::any_of(request.headers.values, [&](const auto& field) {
        return iequals(field.first, rule.name) && std::ranges::find(rule.values, field.second) != rule.values.end();
      });
    });
  }
  static bool endpoints_match(const std::vector<EndpointRule>& rules, const std::string& ip, std::uint16_t port) {
    return rules.empty() || std::ranges::any_of(rules, [&](const EndpointRule& rule) {
             return (rule.ip.empty() || Cidr::parse(rule.ip)->contains(*IpAddress::parse(ip))) &&
                    (!rule.port || *rule.port == port);
           });
  }
  static bool snis_match(const RouteSpec& spec, const Request& request) {
    if (request.protocol == Protocol::Http || request.protocol == Protocol::Tcp) return true;
    return spec.snis.empty() ||
           std::ranges::any_of(spec.snis, [&](const auto& sni) { return name_matches(sni, request.sni); });
  }
  static bool protocol_matches(const RouteSpec& spec, const Request& request) {
    const bool http = request.protocol == Protocol::Http || request.protocol == Protocol::Https;
    if (http || is_stream(spec) == http) return is_stream(spec) != http;
    return std::ranges::any_of(
        spec.protocols, [&](RouteProtocol p) { return request.protocol == Protocol::Tls || p == RouteProtocol::Tcp; });
  }
  bool matches(const RouteSpec& spec, const PathGroup& group, const Request& request) {
    if (!protocol_matches(spec, request)) return false;
    if (!spec.expression.empty()) {
      const auto schema = is_stream(spec) ? expr::Schema::Stream : expr::Schema::Http;
      return expr::Expression::parse(spec.expression, schema, regexes_)->matches(request.input());
    }
    return (spec.methods.empty() || std::ranges::find(spec.methods, request.method) != spec.methods.end()) &&
           (spec.hosts.empty() ||
            std::ranges::any_of(spec.hosts, [&](const auto& host) { return host_matches(host, request); })) &&
           path_matches(group, request) && headers_match(spec, request) && snis_match(spec, request) &&
           endpoints_match(spec.sources, request.src, request.src_port) &&
           endpoints_match(spec.destinations, request.dst, request.port);
  }

  Flavor flavor_;
  expr::RegexCache regexes_;
};

// Small alphabets, so that routes collide, nest and tie.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  RouteSpec route(std::uint32_t n, Flavor flavor) {
    RouteSpec spec{.id = numbered(n), .name = "r" + std::to_string(n), .created_at = pick(4)};
    if (chance(15)) {
      stream(spec);
    } else if (flavor == Flavor::Expressions && chance(50)) {
      spec.expression = expression(2);
      spec.priority = static_cast<std::uint64_t>(pick(5));
    } else {
      request(spec);
    }
    return spec;
  }

  Request session() {
    Request request{.protocol = protocol(), .method = one_of({"GET", "PUT"}), .host = host(), .path = path(6)};
    request.sni = chance(80) ? host() : "";
    request.port = chance(50) ? 80 : 81;
    request.src = one_of({"10.0.0.1", "10.0.1.1", "192.168.0.1"});
    request.dst = one_of({"10.0.0.1", "10.0.0.2"});
    for (int i = pick(3); i > 0; --i)
      request.headers.values.emplace_back(one_of({"X-A", "x-b", "x-c"}), one_of({"1", "2", "3"}));
    return request;
  }

  int pick(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }
  bool chance(int percent) { return pick(100) < percent; }

 private:
  std::string one_of(std::initializer_list<const char*> options) {
    return *(options.begin() + pick(static_cast<int>(options.size())));
  }
  Protocol protocol() {
    if (chance(40)) return Protocol::Http;
    if (chance(60)) return Protocol::Https;
    return chance(50) ? Protocol::Tcp : Protocol::Tls;
  }
  std::string host() { return one_of({"a.test", "b.test", "x.a.test", "y.x.a.test", "a.org", "b"}); }
  std::string host_rule() {
    return one_of({"a.test", "b.test", "x.a.test", "*.a.test", "*.test", "a.*", "a.test:80", "*.test:81", "x.*", "b"});
  }
  std::string path(int most) {
    std::string text;
    for (int i = pick(most); i >= 0; --i) text += one_of({"/", "/a", "/ab", "/b", "a", "1"});
    return text.starts_with('/') ? text : "/" + text;
  }
  std::string path_rule() {
    if (chance(70)) return path(4);
    return "~" + path(2) + one_of({"", "\\d+", "[ab]+$", "(?<n>a|b)", ".*/b", "?", "*|/b"});
  }
  void request(RouteSpec& spec) {
    for (int i = pick(3); i > 0; --i) spec.paths.push_back(path_rule());
    if (chance(50)) spec.hosts.push_back(host_rule());
    if (chance(20)) spec.hosts.push_back(host_rule());
    if (chance(30)) spec.methods.push_back(one_of({"GET", "PUT"}));
    if (chance(25)) spec.headers.push_back({one_of({"x-a", "X-B"}), {one_of({"1", "2"})}});
    if (chance(10)) spec.headers.push_back({"x-c", {"1", "2"}});
    if (chance(10)) spec.snis.push_back(one_of({"a.test", "*.a.test"}));
    if (chance(10)) spec.sources.push_back({one_of({"10.0.0.0/24", "10.0.1.1", ""}), {}});
    if (spec.paths.empty() && spec.hosts.empty() && spec.methods.empty()) spec.paths.emplace_back("/");
    spec.regex_priority = pick(4) - 1;
  }
  void stream(RouteSpec& spec) {
    spec.protocols = {chance(50) ? RouteProtocol::Tcp : RouteProtocol::Tls};
    if (chance(50)) spec.snis.push_back(one_of({"a.test", "*.a.test", "b"}));
    if (chance(40)) spec.sources.push_back({one_of({"10.0.0.0/24", "10.0.1.1"}), {}});
    while (spec.destinations.empty() || chance(30)) {
      spec.destinations.push_back({one_of({"10.0.0.1", "10.0.0.0/8", ""}), {}});
      if (chance(60)) spec.destinations.back().port = chance(50) ? 80 : 81;
    }
  }
  std::string expression(int depth) {
    if (depth > 0 && chance(60)) {
      return "(" + expression(depth - 1) + (chance(60) ? " && " : " || ") + expression(depth - 1) + ")";
    }
    if (chance(10)) return "!(" + expression(0) + ")";
    switch (pick(10)) {
      case 0:
        return "http.path ^= \"" + path(3) + "\"";
      case 1:
        return "http.path == \"" + path(3) + "\"";
      case 2:
        return "http.path ~ \"^" + path(2) + one_of({"[ab]", "?", "*", "|/b", ""}) + "\"";
      case 3:
        return "http.host == \"" + host() + "\"";
      case 4:
        return "http.host =^ \"" + one_of({".test", "test", ".a.test"}) + "\"";
      case 5:
        return "http.host ^= \"" + one_of({"a.", "a", "x.a."}) + "\"";
      case 6:
        return "http.path.segments.0 == \"" + one_of({"a", "b", "ab"}) + "\"";
      case 7:
        return std::string(one_of({"any(lower(http.headers.x_a))", "http.headers.x_b"})) + " == \"1\"";
      default:
        return "http.method == \"" + one_of({"GET", "PUT"}) + "\"";
    }
  }

  std::mt19937 random_;
};

Uuid id_of(const Match& match) {
  return match ? match.route->id : Uuid{};
}

class RandomTables : public ::testing::TestWithParam<Flavor> {};

TEST_P(RandomTables, AnswerLikeAPlainWalkAndLikeATableBuiltAtOnce) {
  const Flavor flavor = GetParam();
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Generator generate(seed);
  Oracle oracle(flavor);
  std::map<Uuid, RouteSpec> model;
  RouteTable::Ref table = RouteTable::empty(flavor);
  for (int step = 0; step < 300; ++step) {
    std::vector<RouteSpec> upserts;
    std::vector<Uuid> removals;
    for (int i = generate.pick(6); i > 0; --i) {
      upserts.push_back(generate.route(static_cast<std::uint32_t>(1 + generate.pick(120)), flavor));
    }
    for (int i = generate.pick(4); i > 0; --i)
      removals.push_back(numbered(static_cast<std::uint32_t>(1 + generate.pick(120))));
    for (const Uuid& id : removals) model.erase(id);
    for (const RouteSpec& spec : upserts) model[spec.id] = spec;
    const auto next = table->with(upserts, removals);
    ASSERT_TRUE(next.has_value()) << next.error().front().message;
    table = *next;
    ASSERT_EQ(table->size(), model.size());

    std::vector<RouteSpec> all;
    all.reserve(model.size());
    for (const auto& [id, spec] : model) all.push_back(spec);
    std::ranges::reverse(all);
    const RouteTable::Ref at_once = *RouteTable::empty(flavor)->with(all);
    for (int i = 0; i < 20; ++i) {
      const Request request = generate.session();
      const Uuid expected = oracle.winner(model, request);
      ASSERT_EQ(id_of(table->match(request.input())), expected)
          << "step " << step << ": " << request.method << " " << request.host << ":" << request.port << request.path;
      ASSERT_EQ(id_of(at_once->match(request.input())), expected);
      const auto candidates = explain(*table, request.input(), 5);
      const auto matched = std::ranges::find(candidates, Candidate::Outcome::Matched, &Candidate::outcome);
      ASSERT_EQ(matched == candidates.end() ? Uuid{} : matched->route->id, expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Flavors, RandomTables,
                         ::testing::Values(Flavor::Traditional, Flavor::TraditionalCompatible, Flavor::Expressions));

TEST(RouteTable, AHundredThousandRoutesStepByStepEqualOneLoad) {
  constexpr std::uint32_t kRoutes = 100'000;
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto spec_of = [](std::uint32_t n, std::uint32_t version) {
    return RouteSpec{.id = numbered(n),
                     .name = "v" + std::to_string(version),
                     .hosts = {"host-" + std::to_string(n % 1000) + ".example.com"},
                     .paths = {"/service-" + std::to_string(n / 1000) + "/v" + std::to_string(version % 3)}};
  };
  std::vector<RouteSpec> specs;
  specs.reserve(kRoutes);
  for (std::uint32_t n = 0; n < kRoutes; ++n) specs.push_back(spec_of(n, 0));
  RouteTable::Ref table = *RouteTable::empty(Flavor::TraditionalCompatible)->with(specs);

  constexpr std::uint32_t kChanges = 3000;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < kChanges; ++i) {
    const std::uint32_t n = static_cast<std::uint32_t>(random()) % kRoutes;
    specs[n] = spec_of(n, i);
    table = *table->with(std::span(&specs[n], 1));
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  RecordProperty("change_us", static_cast<int>(spent.count() / kChanges));
  // Far above the figure, which bench/micro measures; a copy of the table would cost milliseconds.
  EXPECT_LT(spent.count() / kChanges, 2000.0);

  std::ranges::shuffle(specs, random);
  const RouteTable::Ref at_once = *RouteTable::empty(Flavor::TraditionalCompatible)->with(specs);
  ASSERT_EQ(table->size(), at_once->size());
  for (const RouteSpec& spec : specs) {
    const Request request{.host = spec.hosts.front(), .path = spec.paths.front() + "/x"};
    ASSERT_EQ(id_of(table->match(request.input())), spec.id);
    ASSERT_EQ(id_of(at_once->match(request.input())), spec.id);
  }
}

}  // namespace
}  // namespace sluice::gateway::router
