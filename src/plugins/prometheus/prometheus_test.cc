// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "entity/route.h"
#include "entity/service.h"
#include "plugins/all.h"
#include "plugins/file_log/log_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using ::testing::HasSubstr;
using testing::LogShard;
using ::testing::Not;
using Source = telemetry::RequestRecord::Source;

class PrometheusTest : public ::testing::Test {
 protected:
  PrometheusTest() {
    route_.id.value = Uuid::random();
    route_.name = "r";
    service_.name = "s";
    service_.host = "s.internal";
    call_.ex.route = &route_;
    call_.ex.service = &service_;
    auto& record = call_.ex.record;
    record.status = 200;
    record.source = Source::Upstream;
    record.started_ns = 1'000'000'000;
    record.upstream_started_ns = 1'003'000'000;
    record.upstream_head_ns = 1'063'000'000;
    record.finished_ns = 1'070'000'000;
    record.request_size = 100;
    record.response_size = 200;
  }
  std::string log(std::string_view config) {
    plugin_ = shard_.make(add_prometheus, config);
    plugin_->on_log(call_.ex);
    return shard_.scrape();
  }

  LogShard shard_;
  entity::Route route_;
  entity::Service service_;
  Call call_{shard_.shard, "GET", "/"};
  std::unique_ptr<gateway::Plugin> plugin_;
};

TEST_F(PrometheusTest, HasThePublishedContract) {
  testing::expect_contract(add_prometheus, "Prometheus");
}

TEST_F(PrometheusTest, CountsRequests) {
  EXPECT_THAT(log(R"({"status_code_metrics":true})"),
              HasSubstr("kong_http_requests_total{service=\"s\",route=\"r\",code=\"200\",source=\"service\","
                        "workspace=\"default\",consumer=\"\"} 1\n"));
}

TEST_F(PrometheusTest, CountsTheGatewaysOwnAnswersAsSuch) {
  call_.ex.record.status = 401;
  call_.ex.record.source = Source::Gateway;
  EXPECT_THAT(log(R"({"status_code_metrics":true})"), HasSubstr("code=\"401\",source=\"kong\""));
}

TEST_F(PrometheusTest, IgnoresRequestsWithoutARoute) {
  call_.ex.route = nullptr;
  EXPECT_THAT(log(R"({"status_code_metrics":true,"latency_metrics":true})"), Not(HasSubstr("service=")));
}

TEST_F(PrometheusTest, CountsNothingUnlessTold) {
  std::string text = log("{}");
  EXPECT_THAT(text, Not(HasSubstr("kong_http_requests_total")));
  EXPECT_THAT(text, Not(HasSubstr("kong_bandwidth_bytes")));
  EXPECT_THAT(text, Not(HasSubstr("latency_ms")));
  EXPECT_THAT(text, HasSubstr("kong_nginx_metric_errors_total 0\n"));
}

TEST_F(PrometheusTest, FallsBackToHostAndId) {
  service_.name.clear();
  route_.name.clear();
  EXPECT_THAT(log(R"({"status_code_metrics":true})"),
              HasSubstr("{service=\"s.internal\",route=\"" + route_.id.value.to_string() + "\""));
}

TEST_F(PrometheusTest, NamesTheConsumerOnlyWhenTold) {
  auto& consumer = shard_.shard.directory.add_consumer("ann");
  call_.ex.authenticated.consumer = &consumer;
  EXPECT_THAT(log(R"({"status_code_metrics":true})"), HasSubstr("consumer=\"\"} 1\n"));
  EXPECT_THAT(log(R"({"status_code_metrics":true,"per_consumer":true})"), HasSubstr("consumer=\"ann\"} 1\n"));
}

TEST_F(PrometheusTest, CountsOctetsInBothDirections) {
  std::string text = log(R"({"bandwidth_metrics":true})");
  EXPECT_THAT(text, HasSubstr("kong_bandwidth_bytes{service=\"s\",route=\"r\",direction=\"egress\","
                              "workspace=\"default\",consumer=\"\"} 200\n"));
  EXPECT_THAT(text, HasSubstr("direction=\"ingress\",workspace=\"default\",consumer=\"\"} 100\n"));
}

TEST_F(PrometheusTest, MeasuresTimes) {
  std::string text = log(R"({"latency_metrics":true})");
  constexpr std::string_view kLabels = "{service=\"s\",route=\"r\",workspace=\"default\"";
  auto line = [&](std::string_view name, std::string_view rest) {
    return std::string(name).append(kLabels).append(rest).append("\n");
  };
  EXPECT_THAT(text, HasSubstr(line("kong_kong_latency_ms_bucket", ",le=\"2\"} 0")));
  EXPECT_THAT(text, HasSubstr(line("kong_kong_latency_ms_bucket", ",le=\"5\"} 1")));
  EXPECT_THAT(text, HasSubstr(line("kong_upstream_latency_ms_sum", "} 60")));
  EXPECT_THAT(text, HasSubstr(line("kong_request_latency_ms_count", "} 1")));
}

TEST_F(PrometheusTest, LeavesOutTheUpstreamsTimeWhenItWasNeverAsked) {
  call_.ex.record.upstream_started_ns = 0;
  call_.ex.record.upstream_head_ns = 0;
  EXPECT_THAT(log(R"({"latency_metrics":true})"), Not(HasSubstr("kong_upstream_latency_ms")));
}

TEST_F(PrometheusTest, FollowsARouteThatIsRenamed) {
  log(R"({"status_code_metrics":true})");
  route_.name = "renamed";
  plugin_->on_log(call_.ex);
  EXPECT_THAT(shard_.scrape(), HasSubstr("route=\"renamed\",code=\"200\""));
}

TEST_F(PrometheusTest, AsksForTheHealthOfTargetsAsLongAsItLives) {
  plugin_ = shard_.make(add_prometheus, R"({"upstream_health_metrics":true})");
  EXPECT_TRUE(shard_.metrics.wants_upstream_health());
  plugin_.reset();
  EXPECT_FALSE(shard_.metrics.wants_upstream_health());
}

TEST_F(PrometheusTest, CostsLittle) {
  log(R"({"status_code_metrics":true,"latency_metrics":true,"bandwidth_metrics":true,"per_consumer":true})");
  constexpr int kRequests = 100'000;
  auto started = std::chrono::steady_clock::now();
  for (int i = 0; i < kRequests; ++i) plugin_->on_log(call_.ex);
  auto each =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - started) / kRequests;
  RecordProperty("nanoseconds_per_request", static_cast<int>(each.count()));
  EXPECT_LT(each, std::chrono::microseconds(5));  // the figure proper is 100 ns in a release build
}

}  // namespace
}  // namespace sluice::plugins
