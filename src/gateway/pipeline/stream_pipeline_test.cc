// SPDX-License-Identifier: Apache-2.0
#include "gateway/pipeline/stream_pipeline.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/gateway_fixture.h"
#include "gateway/log_record.h"
#include "gateway/stream/stream_match.h"
#include "rt/test_loop.h"

namespace sluice::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> trail;

/// Refuses with its value as the reason, unless that is "pass".
class GuardPlugin final : public Plugin, public StreamPlugin {
 public:
  static constexpr std::string_view kName = "guard";
  static constexpr int kPriority = 100;
  static constexpr std::string_view kProtocols[] = {"http", "https", "tcp", "tls", "udp"};
  using Config = MarkConfig;
  explicit GuardPlugin(MarkConfig config) : config_(std::move(config)) {}
  Task<StreamVerdict> on_preread(StreamSession& session) override {
    if (config_.value == "throw") throw std::runtime_error("broken");
    if (config_.value == "wait") return wait(session);
    if (config_.value != "pass") return StreamRefusal{451, config_.value};
    return Next{};
  }
  void on_stream_log(const StreamSession& session) noexcept override {
    trail.push_back(config_.value + " " + std::to_string(session.record.status));
  }

 private:
  static Task<StreamVerdict> wait(StreamSession& session) {
    co_await rt::Sleep(session.reactor, session.reactor.after_ms(1));
    co_return StreamRefusal{.status = 452};
  }
  const MarkConfig config_;
};

struct StreamPipeline : public ::testing::Test {
  StreamPipeline() {
    trail.clear();
    vocabulary.plugins.add<GuardPlugin>();
    const PluginDescriptor& guard = *vocabulary.plugins.find("guard");
    vocabulary.schemas.add({.name = guard.name, .config = *guard.config_schema, .protocols = guard.protocols});
    vocabulary.catalog = std::make_unique<entity::Catalog>(vocabulary.schemas);
  }
  /// A service with a tcp route, a http route, and the plugins given.
  void load(const std::string& plugins) {
    SnapshotBuilder builder(*vocabulary.catalog, vocabulary.plugins, router::Flavor::TraditionalCompatible);
    auto built = builder.build(*builder.empty(), vocabulary.load(R"(
services:
- name: s
  host: s.test
  routes:
  - {name: stream, id: )" + test_id(1) + R"(, protocols: [tcp], destinations: [{port: 9000}]}
  - {name: web, id: )" + test_id(2) + ", paths: [/]}\nplugins:\n" +
                                                                 plugins));
    ASSERT_TRUE(built) << built.error().front().message;
    snapshot = *built;
  }
  const RouteConfig* route(int number) { return snapshot->routes_by_id.find(test_uuid(number))->get(); }

  TestVocabulary vocabulary;
  TestHost lent;
  PlanCache plans{lent.host};
  Snapshot::Ref snapshot;
  StreamSession session{lent.reactor, Transport::Tcp};
};

TEST_F(StreamPipeline, RowsForStreamsAndRowsForRequestsKeepApart) {
  load("- {name: guard, protocols: [tcp], config: {value: stream}}\n- {name: mark-late, config: {value: web}}");
  EXPECT_EQ(plans.plan(*snapshot, route(1), nullptr)->instances.size(), 1U);
  EXPECT_EQ(plans.plan(*snapshot, route(1), nullptr)->hooks, kOnPreread | kOnStreamLog);
  EXPECT_EQ(plans.plan(*snapshot, route(2), nullptr)->instances.size(), 1U);
  EXPECT_EQ(plans.plan(*snapshot, nullptr, nullptr, Subsystem::Stream)->hooks, kOnPreread | kOnStreamLog);
  EXPECT_EQ(plans.plan(*snapshot, nullptr, nullptr)->hooks, kOnRequest | kOnResponse);
}

TEST_F(StreamPipeline, ARefusalCarriesStatusAndReason) {
  load("- {name: guard, protocols: [tcp], config: {value: not you}}");
  const Rc<Plan> plan = plans.plan(*snapshot, route(1), nullptr);
  const StreamVerdict verdict = run_preread(*plan, session).take();
  ASSERT_NE(verdict.refusal(), nullptr);
  EXPECT_EQ(verdict.refusal()->status, 451);
  EXPECT_EQ(verdict.refusal()->reason, "not you");
}

TEST_F(StreamPipeline, WhoHasNothingAgainstItIsNotWaitedFor) {
  load("- {name: guard, protocols: [tcp], config: {value: pass}}");
  const Rc<Plan> plan = plans.plan(*snapshot, route(1), nullptr);
  Task<StreamVerdict> verdict = run_preread(*plan, session);
  ASSERT_TRUE(verdict.ready());
  EXPECT_EQ(verdict.take().refusal(), nullptr);
}

TEST_F(StreamPipeline, WaitsForAPluginThatWaits) {
  load("- {name: guard, protocols: [tcp], config: {value: wait}}");
  const Rc<Plan> plan = plans.plan(*snapshot, route(1), nullptr);
  EXPECT_EQ(rt::run(lent.reactor, run_preread(*plan, session)).refusal()->status, 452);
}

TEST_F(StreamPipeline, APluginThatThrowsCostsOneSession) {
  load("- {name: guard, protocols: [tcp], config: {value: throw}}");
  const Rc<Plan> plan = plans.plan(*snapshot, route(1), nullptr);
  EXPECT_EQ(run_preread(*plan, session).take().refusal()->status, 500);
}

TEST_F(StreamPipeline, TellsPluginsHowItEnded) {
  load("- {name: guard, protocols: [tcp], config: {value: pass}}");
  session.record.status = 200;
  run_stream_log(*plans.plan(*snapshot, route(1), nullptr), session);
  EXPECT_THAT(trail, ElementsAre("pass 200"));
}

TEST_F(StreamPipeline, TheRouterSeesBothEndsAndWhatIsSpoken) {
  load("");
  session.client.address = session.client.forwarded_address = *IpAddress::parse("192.0.2.1");
  session.client.local_port = 9000;
  EXPECT_EQ(snapshot->routes->match(match_input(session)).target, route(1));
  session.client.local_port = 9001;
  EXPECT_FALSE(snapshot->routes->match(match_input(session)));
  session.client.local_port = 9000;
  session.client.tls = true;
  EXPECT_TRUE(snapshot->routes->match(match_input(session))) << "TLS may end at a route for tcp";
}

TEST_F(StreamPipeline, TheLogRecordHasTheMembersThatItsReadersKnow) {
  load("");
  session.directory = snapshot.get();
  session.route = route(1);
  session.client.forwarded_address = *IpAddress::parse("192.0.2.4");
  session.client.local_port = 9000;
  session.tls_version = "TLSv1.3";
  session.tls_cipher = "TLS_AES_256_GCM_SHA384";
  telemetry::StreamRecord& facts = session.record;
  facts.started_wall_ms = 1'764'000'000'117;
  facts.started_ns = 1'000'000;
  facts.upstream_started_ns = 2'000'000;
  facts.finished_ns = 36'000'000;
  facts.received = 120;
  facts.sent = facts.upstream_received = 843;
  facts.upstream_sent = 120;
  facts.status = 200;
  std::string text;
  append_log_record(text, session);
  EXPECT_THAT(text, HasSubstr(R"("session":{"tls":{"version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384",)"
                              R"("client_verify":"NONE"},"received":120,"sent":843,"status":200,"server_port":9000})"));
  EXPECT_THAT(text,
              HasSubstr(R"("upstream":{"received":843,"sent":120},"latencies":{"kong":1,"session":35},"tries":[])"));
  EXPECT_THAT(text, HasSubstr(R"("client_ip":"192.0.2.4","started_at":1764000000117,)"));
  EXPECT_TRUE(parse_json(text));
}

}  // namespace
}  // namespace sluice::gateway
