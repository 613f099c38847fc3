// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "telemetry/exposition.h"

namespace sluice::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

MetricSpec requests() {
  return {.name = "kong_http_requests_total",
          .help = "Requests.",
          .labels = {{"service"}, {"code", Label::Values::Bounded}}};
}

std::string render(std::initializer_list<const Metrics*> shards, const NodeStats& node = {}) {
  return render_metrics({shards.begin(), shards.size()}, node);
}

TEST(Metrics, GivesTheSameSeriesForEqualLabels) {
  Metrics metrics;
  Series& a = metrics.family(requests()).at({"s", "200"});
  EXPECT_EQ(&a, &metrics.family(requests()).at({"s", "200"}));
  EXPECT_NE(&a, &metrics.family(requests()).at({"s", "201"}));
}

TEST(Metrics, CountsUnderOtherBeyondTheLimitAndKeepsBoundedLabels) {
  Metrics metrics;
  MetricSpec spec = requests();
  spec.max_series = 1;
  Family& family = metrics.family(spec);
  family.at({"first", "200"}).add();
  family.at({"second", "404"}).add();
  family.at({"third", "404"}).add();
  EXPECT_EQ(family.overflows(), 2);
  EXPECT_THAT(render({&metrics}), HasSubstr("kong_http_requests_total{service=\"other\",code=\"404\"} 2\n"));
}

TEST(Exposition, PrintsHelpTypeAndSortedSeriesAddedUpOverShards) {
  Metrics one;
  Metrics two;
  one.family(requests()).at({"b", "200"}).add(2);
  one.family(requests()).at({"a", "500"}).add();
  two.family(requests()).at({"b", "200"}).add(3);
  EXPECT_THAT(render({&one, &two}), HasSubstr("# HELP kong_http_requests_total Requests.\n"
                                              "# TYPE kong_http_requests_total counter\n"
                                              "kong_http_requests_total{service=\"a\",code=\"500\"} 1\n"
                                              "kong_http_requests_total{service=\"b\",code=\"200\"} 5\n"));
}

TEST(Exposition, PrintsHistogramsCumulativelyWithLeLast) {
  Metrics metrics;
  Series& series = metrics
                       .family({.name = "kong_request_latency_ms",
                                .help = "Time.",
                                .type = MetricType::Histogram,
                                .labels = {{"service"}},
                                .bounds = {25, 50}})
                       .at({"s"});
  series.observe(25);
  series.observe(26);
  series.observe(1000);
  EXPECT_THAT(render({&metrics}), HasSubstr("# TYPE kong_request_latency_ms histogram\n"
                                            "kong_request_latency_ms_bucket{service=\"s\",le=\"25\"} 1\n"
                                            "kong_request_latency_ms_bucket{service=\"s\",le=\"50\"} 2\n"
                                            "kong_request_latency_ms_bucket{service=\"s\",le=\"+Inf\"} 3\n"
                                            "kong_request_latency_ms_count{service=\"s\"} 3\n"
                                            "kong_request_latency_ms_sum{service=\"s\"} 1051\n"));
}

TEST(Exposition, EscapesLabelValues) {
  Metrics metrics;
  metrics.family(requests()).at({"a\"b\\c\nd", "200"}).add();
  EXPECT_THAT(render({&metrics}), HasSubstr(R"(service="a\"b\\c\nd",code)"));
}

TEST(Exposition, LeavesOutFamiliesWithoutSeries) {
  Metrics metrics;
  metrics.family(requests());
  EXPECT_THAT(render({&metrics}), Not(HasSubstr("kong_http_requests_total")));
}

TEST(Exposition, AlwaysShowsTheNodesOwnGauges) {
  NodeStats node;
  node.node_id = "n";
  node.version = "3.10.0";
  node.connections_active = 4;
  node.workers = {{7, 0}};
  node.shared = {{"kong", 10, 20}};
  node.own = {{"sluice_snapshot_generation", "Generation of the configuration.", MetricType::Gauge, 3}};
  std::string text = render({}, node);
  for (const char* line :
       {"kong_nginx_metric_errors_total 0\n", "kong_datastore_reachable 1\n",
        "kong_node_info{node_id=\"n\",version=\"3.10.0\"} 1\n", "kong_nginx_timers{state=\"pending\"} 0\n",
        "kong_nginx_connections_total{node_id=\"n\",subsystem=\"http\",state=\"active\"} 4\n",
        "kong_memory_workers_lua_vms_bytes{node_id=\"n\",pid=\"7\",kong_subsystem=\"http\"} 0\n",
        "kong_memory_lua_shared_dict_total_bytes{node_id=\"n\",shared_dict=\"kong\",kong_subsystem=\"http\"} 20\n",
        "# TYPE sluice_snapshot_generation gauge\nsluice_snapshot_generation 3\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Exposition, ShowsTargetHealthInAllStatesOnceAPluginAsks) {
  Metrics metrics;
  NodeStats node;
  node.targets = {{"u", "a:80", "10.0.0.1:80", TargetHealth::State::Healthy}};
  EXPECT_THAT(render({&metrics}, node), Not(HasSubstr("upstream_target_health")));
  metrics.want_upstream_health(1);
  std::string text = render({&metrics}, node);
  for (const char* line :
       {"address=\"10.0.0.1:80\",state=\"healthy\",subsystem=\"http\"} 1\n",
        "address=\"10.0.0.1:80\",state=\"unhealthy\",subsystem=\"http\"} 0\n",
        "address=\"10.0.0.1:80\",state=\"healthchecks_off\",subsystem=\"http\"} 0\n",
        "kong_upstream_target_health{upstream=\"u\",target=\"a:80\",address=\"\",state=\"dns_error\","
        "subsystem=\"http\"} 0\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Exposition, ReadsWhileAShardAddsSeries) {
  Metrics metrics;
  std::thread shard([&] {
    Family& family = metrics.family(requests());
    for (int i = 0; i < 2000; ++i) family.at({std::to_string(i), "200"}).add();
  });
  for (int i = 0; i < 20; ++i) render({&metrics});
  shard.join();
  EXPECT_THAT(render({&metrics}), HasSubstr("{service=\"1999\",code=\"200\"} 1\n"));
}

}  // namespace
}  // namespace sluice::telemetry
