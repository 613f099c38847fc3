// SPDX-License-Identifier: Apache-2.0
// Matching, changing and holding routes: what one request and one change pay as tables grow.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "base/persistent_map.h"
#include "gateway/router/path.h"
#include "gateway/router/route_table.h"

namespace sluice::gateway::router {
namespace {

Uuid numbered(std::uint64_t n) {
  Uuid id;
  n *= 0x9E3779B97F4A7C15ULL;  // ids of real routes are spread like random ones
  for (std::size_t i = 0; i < 8; ++i) id.octets[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id;
}

RouteSpec prefix_route(std::uint64_t n) {
  return {.id = numbered(n), .name = "route-" + std::to_string(n), .paths = {"/api/service-" + std::to_string(n)}};
}
RouteSpec host_route(std::uint64_t n) {
  return {.id = numbered(n),
          .name = "route-" + std::to_string(n),
          .hosts = {"host-" + std::to_string(n) + ".example.com"},
          .paths = {"/api/v1"}};
}
RouteSpec regex_route(std::uint64_t n) {
  return {.id = numbered(n),
          .name = "route-" + std::to_string(n),
          .paths = {"~/api/service-" + std::to_string(n) + "/(?<id>\\d+)$"}};
}
// All under one path, told apart by a header alone.
RouteSpec tenant_route(std::uint64_t n) {
  return {.id = numbered(n),
          .name = "route-" + std::to_string(n),
          .paths = {"/api"},
          .headers = {{"X-Tenant", {"tenant-" + std::to_string(n)}}}};
}
RouteSpec expression_route(std::uint64_t n) {
  return {.id = numbered(n),
          .name = "route-" + std::to_string(n),
          .expression = "http.method == \"GET\" && http.path ^= \"/api/service-" + std::to_string(n) + "/\""};
}

RouteTable::Ref table_of(RouteSpec (*make)(std::uint64_t), std::int64_t count) {
  std::vector<RouteSpec> specs;
  specs.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(count); ++n) specs.push_back(make(n));
  return *RouteTable::empty(Flavor::Expressions)->with(specs);
}

MatchInput input_for(std::string_view host, std::string_view path) {
  return {.protocol = expr::Protocol::Http, .method = "GET", .host = host, .path = path, .dst_port = 80};
}

// `spread` requests go round over as many routes: 1 shows a warm path, many show the caches of the machine at work.
void match(benchmark::State& state, RouteSpec (*make)(std::uint64_t), bool by_host, std::string_view tail) {
  const auto table = table_of(make, state.range(0));
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(state.range(1)));
  for (std::int64_t i = 0; i < state.range(1); ++i) {
    const auto n = std::to_string(i * 7919 % state.range(0));
    texts.push_back(by_host ? "host-" + n + ".example.com" : "/api/service-" + n + std::string(tail));
  }
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& text = texts[i];
    i = i + 1 == texts.size() ? 0 : i + 1;
    const Match found = table->match(by_host ? input_for(text, "/api/v1/x") : input_for("example.com", text));
    if (!found) state.SkipWithError("no match");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK_CAPTURE(match, prefix, prefix_route, false, "/x")
    ->ArgsProduct({{1, 1000, 100'000}, {1}})
    ->Args({100'000, 1024});
BENCHMARK_CAPTURE(match, host, host_route, true, "")->ArgsProduct({{1, 1000, 100'000}, {1}})->Args({100'000, 1024});
BENCHMARK_CAPTURE(match, regex, regex_route, false, "/42")->ArgsProduct({{1, 1000, 10'000}, {1}});
BENCHMARK_CAPTURE(match, expression, expression_route, false, "/x")->ArgsProduct({{1, 1000, 100'000}, {1}});

void match_header(benchmark::State& state) {
  struct OneTenant final : expr::HeaderSource {
    [[nodiscard]] std::optional<std::string_view> value(std::string_view name, std::size_t nth) const override {
      if (nth > 0 || name != "x_tenant") return std::nullopt;
      return "tenant-0";
    }
  } headers;
  const auto table = table_of(tenant_route, state.range(0));
  MatchInput input = input_for("example.com", "/api/x");
  input.headers = &headers;
  for (auto _ : state) {
    const Match found = table->match(input);
    if (!found) state.SkipWithError("no match");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(match_header)->Arg(1)->Arg(1000)->Arg(100'000);

void one_change(benchmark::State& state) {
  RouteTable::Ref table = table_of(prefix_route, state.range(0));
  std::uint64_t n = 0;
  for (auto _ : state) {
    const std::array spec = {prefix_route(n++ * 7919 % static_cast<std::uint64_t>(state.range(0)))};
    table = *table->with(spec);
  }
}
BENCHMARK(one_change)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

void load(benchmark::State& state, RouteSpec (*make)(std::uint64_t)) {
  std::vector<RouteSpec> specs;
  specs.reserve(static_cast<std::size_t>(state.range(0)));
  for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(state.range(0)); ++n) specs.push_back(make(n));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::size_t before = mallinfo2().uordblks;
    const auto table = *RouteTable::empty(Flavor::TraditionalCompatible)->with(specs);
    bytes = mallinfo2().uordblks - before;
    benchmark::DoNotOptimize(table);
  }
  state.counters["bytes_per_route"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}
BENCHMARK_CAPTURE(load, prefix, prefix_route)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, host, host_route)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, regex, regex_route)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, expression, expression_route)->Arg(100'000)->Unit(benchmark::kMillisecond);

void map_find(benchmark::State& state) {
  PersistentMap<std::string, int> map;
  std::vector<std::string> keys;
  keys.reserve(100'000);
  for (int i = 0; i < 100'000; ++i) keys.push_back("host-" + std::to_string(i) + ".example.com");
  for (int i = 0; i < 100'000; ++i) map.insert(keys[static_cast<std::size_t>(i)], i);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(map.find(keys[i]));
    i = i + 1 == static_cast<std::size_t>(state.range(0)) ? 0 : i + 1;
  }
}
BENCHMARK(map_find)->Arg(1)->Arg(1024);

void normalize(benchmark::State& state, std::string_view path) {
  std::string buffer;
  for (auto _ : state) benchmark::DoNotOptimize(normalize_path(path, buffer));
}
BENCHMARK_CAPTURE(normalize, untouched, "/api/v1/users/42/orders/2024-05-01");
BENCHMARK_CAPTURE(normalize, rewritten, "/api//v1/./users/%34%32/../orders");

}  // namespace
}  // namespace sluice::gateway::router
