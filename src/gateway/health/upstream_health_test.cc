// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/upstream_health.h"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

class UpstreamHealthTest : public testing::Test {
 protected:
  UpstreamHealthTest() {
    policy.passive.unhealthy.http_failures = 3;
    policy.passive.unhealthy.tcp_failures = 1;
    policy.passive.unhealthy.timeouts = 2;
    policy.active.unhealthy.interval = 1;
    policy.active.unhealthy.http_failures = 1;
    policy.active.healthy.successes = 2;
    first = address("10.0.0.1:80");
    second = address("10.0.0.2:80");
  }
  std::shared_ptr<AddressState> address(const std::string& name, std::int64_t now_ms = 0) {
    return health.address(name, *net::Address::parse(name), now_ms);
  }
  void request(Outcome outcome) { health.report(*first, policy, Witness::Request, outcome); }
  void probe(Outcome outcome) { health.report(*first, policy, Witness::Probe, outcome); }

  UpstreamHealth health{"pool"};
  entity::Healthchecks policy;
  std::shared_ptr<AddressState> first, second;
};

TEST_F(UpstreamHealthTest, TakesAnAddressOutAfterEnoughFailuresInARow) {
  const std::uint64_t before = health.epoch();
  request(Outcome::HttpFailure);
  request(Outcome::HttpFailure);
  EXPECT_TRUE(first->healthy());
  EXPECT_EQ(health.epoch(), before);
  request(Outcome::HttpFailure);
  EXPECT_FALSE(first->healthy());
  EXPECT_GT(health.epoch(), before);
  EXPECT_TRUE(second->healthy());
}

TEST_F(UpstreamHealthTest, BeginsAnewAfterASuccess) {
  for (int i = 0; i < 10; ++i) {
    request(Outcome::HttpFailure);
    request(Outcome::HttpFailure);
    request(Outcome::Success);
  }
  EXPECT_TRUE(first->healthy());
}

TEST_F(UpstreamHealthTest, CountsEachKindOfFailureForItself) {
  request(Outcome::Timeout);
  request(Outcome::HttpFailure);
  request(Outcome::HttpFailure);
  EXPECT_TRUE(first->healthy());
  request(Outcome::Timeout);
  EXPECT_FALSE(first->healthy());
}

TEST_F(UpstreamHealthTest, BringsAnAddressBackByProbes) {
  request(Outcome::TcpFailure);
  EXPECT_FALSE(first->healthy());
  request(Outcome::Success);
  EXPECT_FALSE(first->healthy()) << "requests' successes do not count here";
  first->set_healthy(false);
  probe(Outcome::Success);
  EXPECT_FALSE(first->healthy());
  probe(Outcome::Success);
  EXPECT_TRUE(first->healthy());
}

TEST_F(UpstreamHealthTest, JudgesStatusesByTheLists) {
  for (int i = 0; i < 5; ++i) health.report_status(*first, policy, Witness::Request, 404);
  EXPECT_TRUE(first->healthy()) << "404 says nothing of a request";
  health.report_status(*first, policy, Witness::Probe, 404);
  EXPECT_FALSE(first->healthy());
}

TEST_F(UpstreamHealthTest, IgnoresStatusesOfRequestsWhereOnlyConnectionsCount) {
  policy.passive.type = "tcp";
  for (int i = 0; i < 5; ++i) health.report_status(*first, policy, Witness::Request, 500);
  EXPECT_TRUE(first->healthy());
}

TEST_F(UpstreamHealthTest, NeverCountsAgainstALimitOfZero) {
  policy.passive.unhealthy = {};
  for (int i = 0; i < 300; ++i) request(Outcome::TcpFailure);
  EXPECT_TRUE(first->healthy());
}

TEST_F(UpstreamHealthTest, ForgetsWhatWasAgainstATargetThatIsPutBack) {
  request(Outcome::TcpFailure);
  health.mark("10.0.0.1:80", false);
  EXPECT_TRUE(health.is_marked("10.0.0.1:80"));
  health.mark("10.0.0.1:80", true);
  EXPECT_FALSE(health.is_marked("10.0.0.1:80"));
  EXPECT_TRUE(first->healthy());
}

TEST_F(UpstreamHealthTest, MarksAddressesOfATargetOneByOne) {
  const auto a = health.address("t:80", *net::Address::parse("10.0.0.7:80"), 0);
  const auto b = health.address("t:80", *net::Address::parse("10.0.0.8:80"), 0);
  const std::uint64_t before = health.epoch();
  health.mark("t:80/10.0.0.7:80", false);
  EXPECT_GT(health.epoch(), before);
  EXPECT_TRUE(health.is_out(*a));
  EXPECT_FALSE(health.is_out(*b));
  EXPECT_FALSE(health.is_marked("t:80"));
  EXPECT_EQ(health.marked(), std::vector<std::string>{"t:80"});
  health.mark("t:80/10.0.0.7:80", true);
  EXPECT_FALSE(health.is_out(*a));
  EXPECT_TRUE(health.marked().empty());
}

TEST_F(UpstreamHealthTest, PutsOneAddressOfATargetBackThatIsOut) {
  const auto a = health.address("t:80", *net::Address::parse("10.0.0.7:80"), 0);
  const auto b = health.address("t:80", *net::Address::parse("10.0.0.8:80"), 0);
  health.mark("t:80", false);
  health.mark("t:80/10.0.0.7:80", true);
  EXPECT_FALSE(health.is_out(*a));
  EXPECT_TRUE(health.is_out(*b));
  health.mark("t:80", false);
  EXPECT_TRUE(health.is_out(*a)) << "what is said of the target now counts for all";
  health.mark("t:80/10.0.0.7:80", false);
  health.mark("t:80", true);
  EXPECT_FALSE(health.is_out(*a));
  EXPECT_FALSE(health.is_out(*b));
}

TEST_F(UpstreamHealthTest, KeepsStatesForAWhileAfterTheirLastUse) {
  request(Outcome::TcpFailure);
  first.reset();
  (void)address("10.0.0.2:80", 10'000);
  first = address("10.0.0.1:80", 200'000);
  EXPECT_FALSE(first->healthy());
  first.reset();
  (void)address("10.0.0.2:80", 210'000);
  (void)address("10.0.0.2:80", 600'000);
  first = address("10.0.0.1:80", 610'000);
  EXPECT_TRUE(first->healthy()) << "a new one";
}

TEST(AddressState, RemembersASlowAnswerAtOnceAndForgetsItSlowly) {
  AddressState state("t:1", *net::Address::parse("10.0.0.1:1"));
  EXPECT_LT(state.latency(0), 0) << "nothing is known";
  state.note_latency(10e6, 0);
  state.note_latency(100e6, 1'000'000);
  EXPECT_NEAR(state.latency(1'000'000), 100e6, 1);
  state.note_latency(10e6, 2'000'000);
  EXPECT_GT(state.latency(2'000'000), 99e6);
  state.note_latency(10e6, 60'000'000'000);
  EXPECT_LT(state.latency(60'000'000'000), 11e6);
}

TEST(AddressState, LetsOneTrialThroughInAnInterval) {
  AddressState state("t:1", *net::Address::parse("10.0.0.1:1"));
  state.set_healthy(false);
  EXPECT_FALSE(state.take_trial(1000, 10'000));
  EXPECT_FALSE(state.take_trial(2000, 10'000));
  EXPECT_TRUE(state.take_trial(11'000, 10'000));
  EXPECT_FALSE(state.take_trial(11'000, 10'000));
}

TEST(HealthBoard, ForgetsUpstreamsAndMarksThatAreGone) {
  HealthBoard board;
  const Uuid kept = Uuid::random();
  const Uuid gone = Uuid::random();
  board.of(kept, "kept")->mark("a:1", false);
  board.of(kept, "kept")->mark("b:1", false);
  board.of(gone, "gone");
  board.forget([&](const Uuid& id, std::string_view target) { return id == gone || target == "a:1"; });
  EXPECT_EQ(board.find(gone), nullptr);
  EXPECT_EQ(board.find(kept)->marked(), std::vector<std::string>{"b:1"});
}

}  // namespace
}  // namespace sluice::gateway
