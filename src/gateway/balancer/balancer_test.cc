// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/balancer.h"

#include <map>
#include <string>

#include "gateway/gateway_fixture.h"
#include "rt/test_loop.h"

namespace sluice::gateway {
namespace {

/// Knows the names that a test gives it.
class FixedNames final : public NameResolver {
 public:
  using Outcome = Result<net::dns::AnswerPtr>;

  Task<Outcome> resolve(const std::string& host, rt::Deadline /*deadline*/) override {
    ++asked;
    const auto found = answers.find(host);
    if (found == answers.end()) return Outcome(fail(Errc::NotFound, "no such name", Blame::Upstream));
    return Outcome(found->second);
  }
  void know(const std::string& host, std::vector<net::dns::Endpoint> endpoints, std::int64_t ttl_ms = INT64_MAX,
            std::int64_t now_ms = 0) {
    auto answer = std::make_shared<net::dns::Answer>();
    answer->endpoints = std::move(endpoints);
    answer->ttl_ms = ttl_ms;
    answer->expires_ms = ttl_ms == INT64_MAX ? INT64_MAX : now_ms + ttl_ms;
    answers[host] = std::move(answer);
  }

  std::map<std::string, net::dns::AnswerPtr> answers;
  int asked = 0;
};

net::dns::Endpoint at(const char* ip, std::uint16_t port = 0, std::uint16_t weight = 0, std::string name = {}) {
  return {.ip = *IpAddress::parse(ip), .port = port, .weight = weight, .name = std::move(name)};
}

class BalancerTest : public testing::Test, protected Generations {
 protected:
  BalancerTest() { resolver.know("two.test", {at("10.9.9.1"), at("10.9.9.2")}); }
  Rc<LiveService> live() { return balancer.live(*current, *current->services.find(test_uuid(1))); }
  std::string pick(LiveService& service, const Selection& selection = {}) {
    auto choice = rt::run(reactor, balancer.pick(service, selection, reactor.after_ms(1000)));
    return choice ? choice->endpoint->address.to_string() : choice.error().what;
  }
  std::map<std::string, int> picks(int count, const Selection& selection = {}) {
    Rc<LiveService> service = live();
    std::map<std::string, int> counted;
    for (int i = 0; i < count; ++i) ++counted[pick(*service, selection)];
    return counted;
  }
  static std::string config(const std::string& host, const std::string& targets) {
    return "services:\n- {id: " + test_id(1) + ", host: " + host + ", port: 81}\n" +
           (targets.empty() ? "" : "upstreams:\n- name: up\n  targets:\n" + targets);
  }
  /// A service whose upstream has id 7 and says `settings`.
  static std::string upstream(const std::string& settings, const std::string& targets) {
    return "services:\n- {id: " + test_id(1) + ", host: up, port: 81}\nupstreams:\n- id: " + test_id(7) +
           "\n  name: up\n" + settings + "  targets:\n" + targets;
  }
  AddressState& state(const std::string& target) {
    return *board.of(test_uuid(7), "up")->address(target, *net::Address::parse(target), 0);
  }
  const entity::Healthchecks& policy() { return *live()->policy(); }
  void report(const std::string& target, Outcome outcome, int times = 1) {
    for (int i = 0; i < times; ++i) {
      board.of(test_uuid(7), "up")->report(state(target), policy(), Witness::Request, outcome);
    }
  }

  rt::Reactor reactor;
  http::PoolOptions pool;
  FixedNames resolver;
  HealthBoard board;
  Balancer balancer{reactor, pool, resolver, board};
};

TEST_F(BalancerTest, SendsAServiceWithAnAddressThere) {
  load(config("10.0.0.1", ""));
  EXPECT_EQ(picks(3), (std::map<std::string, int>{{"10.0.0.1:81", 3}}));
}

TEST_F(BalancerTest, SpreadsRequestsByWeight) {
  load(config("up",
              "  - {target: \"10.0.0.1:80\", weight: 10}\n  - {target: \"10.0.0.2:80\", weight: 30}\n  - {target: "
              "\"10.0.0.3:80\", weight: 60}\n"));
  EXPECT_EQ(picks(100), (std::map<std::string, int>{{"10.0.0.1:80", 10}, {"10.0.0.2:80", 30}, {"10.0.0.3:80", 60}}));
}

TEST_F(BalancerTest, MixesTheTargets) {
  load(config("up", "  - {target: \"10.0.0.1:80\", weight: 100}\n  - {target: \"10.0.0.2:80\", weight: 100}\n"));
  Rc<LiveService> service = live();
  std::string before = pick(*service);
  for (int i = 0; i < 10; ++i) {
    std::string now = pick(*service);
    EXPECT_NE(now, before);
    before = now;
  }
}

TEST_F(BalancerTest, LeavesOutTargetsOfWeightZero) {
  load(config("up", "  - {target: \"10.0.0.1:80\", weight: 0}\n  - {target: \"10.0.0.2:80\", weight: 1}\n"));
  EXPECT_EQ(picks(10), (std::map<std::string, int>{{"10.0.0.2:80", 10}}));
}

TEST_F(BalancerTest, SaysThatAnUpstreamHasNoTargets) {
  load(config("up", "  - {target: \"10.0.0.1:80\", weight: 0}\n"));
  EXPECT_EQ(pick(*live()), "failure to get a peer from the ring-balancer");
}

TEST_F(BalancerTest, KeepsSharesUnderVeryDifferentWeights) {
  load(config("up", "  - {target: \"10.0.0.1:80\", weight: 1}\n  - {target: \"10.0.0.2:80\", weight: 9999}\n"));
  EXPECT_EQ(picks(10'000), (std::map<std::string, int>{{"10.0.0.1:80", 1}, {"10.0.0.2:80", 9999}}));
}

TEST_F(BalancerTest, SpreadsRequestsOverTheAddressesOfOneName) {
  load(config("two.test", ""));
  EXPECT_EQ(picks(10), (std::map<std::string, int>{{"10.9.9.1:81", 5}, {"10.9.9.2:81", 5}}));
}

TEST_F(BalancerTest, SendsNothingWhereCloudsHandOutCredentials) {
  load(config("169.254.169.254", ""));
  EXPECT_NE(pick(*live()).find("credentials"), std::string::npos);
  resolver.know("renamed.test", {at("::ffff:169.254.169.254"), at("10.9.9.3")});
  load(config("renamed.test", ""));
  std::map<std::string, int> counted = picks(4);
  EXPECT_EQ(counted["10.9.9.3:81"], 2);
  EXPECT_EQ(counted.size(), 2U);
}

TEST_F(BalancerTest, PassesOnThatANameIsNotKnown) {
  load(config("nobody.test", ""));
  EXPECT_EQ(pick(*live()), "name resolution failed");
}

TEST_F(BalancerTest, KeepsItsPlaceAcrossGenerationsThatDoNotConcernTheService) {
  load(config("up", "  - {target: \"10.0.0.1:80\"}\n  - {target: \"10.0.0.2:80\"}\n"));
  Rc<LiveService> before = live();
  const std::string first = pick(*before);
  apply(vocabulary.only("consumers", "consumers:\n- {username: bob}\n"));
  EXPECT_EQ(live().get(), before.get());
  EXPECT_NE(pick(*live()), first);
}

TEST_F(BalancerTest, FollowsAChangeOfTargetsAndKeepsTheirPools) {
  load(config("up", "  - {id: " + test_id(5) + ", target: \"10.0.0.1:80\"}\n"));
  auto choice = rt::run(reactor, balancer.pick(*live(), reactor.after_ms(1000)));
  const Rc<Endpoint> endpoint = choice->endpoint;
  load(config("up", "  - {id: " + test_id(5) + ", target: \"10.0.0.1:80\"}\n  - {id: " + test_id(6) +
                        ", target: \"10.0.0.2:80\"}\n"));
  EXPECT_EQ(picks(10), (std::map<std::string, int>{{"10.0.0.1:80", 5}, {"10.0.0.2:80", 5}}));
  Rc<LiveService> service = live();
  Rc<Endpoint> again = rt::run(reactor, balancer.pick(*service, reactor.after_ms(1000)))->endpoint;
  if (again->address.to_string() != "10.0.0.1:80")
    again = rt::run(reactor, balancer.pick(*service, reactor.after_ms(1000)))->endpoint;
  EXPECT_EQ(again, endpoint);
}

TEST_F(BalancerTest, SkipsTargetsThatAreMarkedUnhealthy) {
  const std::string two = "  - {target: \"10.0.0.1:80\"}\n  - {target: \"10.0.0.2:80\"}\n";
  load("services:\n- {id: " + test_id(1) + ", host: up}\nupstreams:\n- id: " + test_id(7) +
       "\n  name: up\n  targets:\n" + two);
  (void)live();
  board.of(test_uuid(7), "up")->mark("10.0.0.1:80", false);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
  board.of(test_uuid(7), "up")->mark("10.0.0.2:80", false);
  EXPECT_EQ(pick(*live()), "failure to get a peer from the ring-balancer");
  board.of(test_uuid(7), "up")->mark("10.0.0.1:80", true);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.1:80", 4}}));
}

TEST_F(BalancerTest, KeepsAMarkAcrossGenerations) {
  auto config_with = [&](const std::string& host_header) {
    return "services:\n- {id: " + test_id(1) + ", host: up}\nupstreams:\n- {id: " + test_id(7) +
           ", name: up, host_header: " + host_header +
           ", targets: [{target: \"10.0.0.1:80\"}, {target: \"10.0.0.2:80\"}]}\n";
  };
  load(config_with("a.test"));
  board.of(test_uuid(7), "up")->mark("10.0.0.1:80", false);
  load(config_with("b.test"));
  balancer.sweep(*current);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
}

TEST_F(BalancerTest, ForgetsServicesAndAddressesThatNobodyUses) {
  load(config("10.0.0.1", ""));
  EXPECT_EQ(pick(*live()), "10.0.0.1:81");
  balancer.sweep(*current);
  EXPECT_EQ(balancer.services(), 1U);
  EXPECT_EQ(balancer.endpoints(), 1U);
  load("");
  balancer.sweep(*current);
  EXPECT_EQ(balancer.services(), 0U);
  EXPECT_EQ(balancer.endpoints(), 0U);
}

TEST_F(BalancerTest, DoesNotGrowWithAddressesThatComeAndGo) {
  for (int i = 0; i < 2000; ++i) {
    load(config("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), ""));
    (void)pick(*live());
  }
  EXPECT_LT(balancer.endpoints(), 1000U);
}

TEST_F(BalancerTest, FindsUpstreamsOfTheServicesWorkspaceOnly) {
  sync::Delta delta = vocabulary.load(config("up", "  - {target: \"10.0.0.1:80\"}\n"));
  for (sync::EntityRow& row : delta.upserts) {
    if (row.type == "services") row.workspace = test_uuid(900);
  }
  apply(std::move(delta));
  EXPECT_EQ(pick(*live()), "name resolution failed") << "the name is a host there";
}

const std::string kTwo = "  - {target: \"10.0.0.1:80\"}\n  - {target: \"10.0.0.2:80\"}\n";

// Names
// -------------------------------------------------------------------------------------------------------------------

TEST_F(BalancerTest, GivesEveryAddressOfANamedTargetTheTargetsWeight) {
  load(config("up", "  - {target: \"two.test:80\", weight: 10}\n  - {target: \"10.0.0.1:80\", weight: 10}\n"));
  EXPECT_EQ(picks(30), (std::map<std::string, int>{{"10.0.0.1:80", 10}, {"10.9.9.1:80", 10}, {"10.9.9.2:80", 10}}));
}

TEST_F(BalancerTest, TakesPortAndWeightOfRecordsThatHaveThem) {
  resolver.know("_http._tcp.srv.test", {at("10.9.0.1", 8081, 3, "a.test"), at("10.9.0.2", 8082, 0, "b.test")});
  load(config("up", "  - {target: \"_http._tcp.srv.test:80\", weight: 50}\n"));
  EXPECT_EQ(picks(8), (std::map<std::string, int>{{"10.9.0.1:8081", 6}, {"10.9.0.2:8082", 2}}));
}

TEST_F(BalancerTest, SendsTheNameOfTheRecordWhereTheUpstreamSaysSo) {
  resolver.know("srv.test", {at("10.9.0.1", 8081, 3, "a.test")});
  load(upstream("  use_srv_name: true\n", "  - {target: \"srv.test:80\"}\n"));
  Rc<LiveService> service = live();
  EXPECT_EQ(rt::run(reactor, balancer.pick(*service, reactor.after_ms(1000)))->host, "a.test");
}

TEST_F(BalancerTest, FollowsAnAnswerThatChangesOnceItsTimeIsOver) {
  resolver.know("api.test", {at("10.1.0.1")}, 50, reactor.clock().mono_ms());
  load(config("api.test", ""));
  EXPECT_EQ(picks(3), (std::map<std::string, int>{{"10.1.0.1:81", 3}}));
  EXPECT_EQ(resolver.asked, 1) << "an answer in force is not looked up again";
  const std::int64_t until = reactor.clock().mono_ms() + 60;
  resolver.know("api.test", {at("10.1.0.2")}, 50, until);
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return reactor.clock().mono_ms() > until; }));
  EXPECT_EQ(picks(3), (std::map<std::string, int>{{"10.1.0.2:81", 3}}));
}

TEST_F(BalancerTest, ServesWithTheTargetsWhoseNamesAreKnown) {
  load(config("up", "  - {target: \"nobody.test:80\"}\n  - {target: \"10.0.0.1:80\"}\n"));
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.1:80", 4}}));
}

// Algorithms
// -------------------------------------------------------------------------------------------------------------------

TEST_F(BalancerTest, TriesAnotherAddressForARequestThatOneHasFailed) {
  load(config("up", kTwo));
  Rc<LiveService> service = live();
  (void)pick(*service);
  Selection selection;
  selection.failed.push_back(service->peers()[0].get());
  EXPECT_EQ(picks(4, selection), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
  selection.failed.push_back(service->peers()[1].get());
  EXPECT_EQ(picks(4, selection).size(), 2U) << "when all have failed, all are tried again";
}

TEST_F(BalancerTest, SendsAHashedValueToOneTarget) {
  load(upstream("  algorithm: consistent-hashing\n  hash_on: ip\n", kTwo));
  for (const char* value : {"a", "b", "c", "d"}) {
    Selection selection;
    selection.hashed = value;
    EXPECT_EQ(picks(5, selection).size(), 1U);
  }
}

TEST_F(BalancerTest, KeepsHashedValuesInPlaceWhenAnotherTargetIsOut) {
  load(upstream("  algorithm: consistent-hashing\n  hash_on: ip\n", kTwo + "  - {target: \"10.0.0.3:80\"}\n"));
  Rc<LiveService> service = live();
  std::map<std::string, std::string> before;
  for (int i = 0; i < 50; ++i) {
    const std::string value = std::to_string(i);
    Selection selection;
    selection.hashed = value;
    before[value] = pick(*service, selection);
  }
  board.of(test_uuid(7), "up")->mark("10.0.0.2:80", false);
  for (const auto& [value, where] : before) {
    Selection selection;
    selection.hashed = value;
    if (where != "10.0.0.2:80") {
      EXPECT_EQ(pick(*service, selection), where);
    } else {
      EXPECT_NE(pick(*service, selection), where);
    }
  }
}

TEST_F(BalancerTest, PrefersTheTargetWithTheFewestRequestsForItsWeight) {
  load(upstream("  algorithm: least-connections\n",
                "  - {target: \"10.0.0.1:80\", weight: 100}\n  - {target: \"10.0.0.2:80\", weight: 200}\n"));
  std::map<std::string, int> counted;
  for (int i = 0; i < 30; ++i) {
    const std::string where = pick(*live());
    state(where).enter();
    ++counted[where];
  }
  EXPECT_EQ(counted, (std::map<std::string, int>{{"10.0.0.1:80", 10}, {"10.0.0.2:80", 20}}));
}

TEST_F(BalancerTest, PrefersTheTargetThatAnswersSoonest) {
  load(upstream("  algorithm: latency\n", kTwo));
  (void)pick(*live());
  const std::int64_t now = reactor.clock().mono_ns();
  state("10.0.0.1:80").note_latency(50e6, now);
  state("10.0.0.2:80").note_latency(5e6, now);
  EXPECT_EQ(picks(5), (std::map<std::string, int>{{"10.0.0.2:80", 5}}));
}

TEST_F(BalancerTest, KeepsAClientWithItsTargetAlsoWhenThatIsDraining) {
  const std::string sticky = "  algorithm: sticky-sessions\n  sticky_sessions_cookie: stay\n";
  load(upstream(sticky, kTwo));
  Rc<LiveService> service = live();
  (void)pick(*service);
  Selection selection;
  const std::string cookie = service->peers()[1]->stickiness;
  selection.stuck_to = cookie;
  EXPECT_EQ(picks(5, selection), (std::map<std::string, int>{{"10.0.0.2:80", 5}}));
  load(upstream(sticky, "  - {target: \"10.0.0.1:80\"}\n  - {target: \"10.0.0.2:80\", weight: 0}\n"));
  EXPECT_EQ(picks(5, selection), (std::map<std::string, int>{{"10.0.0.2:80", 5}}));
  EXPECT_EQ(picks(5), (std::map<std::string, int>{{"10.0.0.1:80", 5}})) << "nobody new comes";
  selection.stuck_to = "forged";
  EXPECT_EQ(picks(5, selection), (std::map<std::string, int>{{"10.0.0.1:80", 5}}));
}

TEST_F(BalancerTest, TurnsToFailoverTargetsOnlyWhenAllOthersAreOut) {
  load(upstream("", kTwo + "  - {target: \"10.0.0.9:80\", failover: true}\n"));
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.1:80", 2}, {"10.0.0.2:80", 2}}));
  const auto health = board.of(test_uuid(7), "up");
  health->mark("10.0.0.1:80", false);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
  health->mark("10.0.0.2:80", false);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.9:80", 4}}));
}

// What the node prefers
// -------------------------------------------------------------------------------------------------------------------

TEST_F(BalancerTest, GivesATargetThatHasJustComeATenthOfItsShare) {
  load(upstream("", kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  const std::int64_t now = reactor.clock().mono_ms();
  state("10.0.0.1:80").begin_anew(now - 60'000);
  state("10.0.0.2:80").begin_anew(now);
  balancer.reconfigure({.slow_start_ms = 60'000, .zone = {}});
  EXPECT_EQ(picks(110), (std::map<std::string, int>{{"10.0.0.1:80", 100}, {"10.0.0.2:80", 10}}));
}

TEST_F(BalancerTest, LetsTheShareOfATargetGrowWithTime) {
  load(upstream("", kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  const std::int64_t now = reactor.clock().mono_ms();
  state("10.0.0.1:80").begin_anew(now - 600'000);
  state("10.0.0.2:80").begin_anew(now - 300'000);
  balancer.reconfigure({.slow_start_ms = 600'000, .zone = {}});
  EXPECT_NEAR(picks(300).at("10.0.0.2:80"), 100, 3);
  balancer.reconfigure({.slow_start_ms = 200'000, .zone = {}});
  EXPECT_EQ(picks(10), (std::map<std::string, int>{{"10.0.0.1:80", 5}, {"10.0.0.2:80", 5}}));
}

TEST_F(BalancerTest, BeginsSlowlyWithATargetThatIsWellAgain) {
  balancer.reconfigure({.slow_start_ms = 60'000, .zone = {}});
  load(upstream("", kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  for (const char* target : {"10.0.0.1:80", "10.0.0.2:80"}) state(target).begin_anew(0);
  const auto health = board.of(test_uuid(7), "up");
  health->mark("10.0.0.2:80", false);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.1:80", 4}}));
  health->mark("10.0.0.2:80", true);
  EXPECT_EQ(picks(110), (std::map<std::string, int>{{"10.0.0.1:80", 100}, {"10.0.0.2:80", 10}}));
}

TEST_F(BalancerTest, PrefersTargetsOfItsZoneWhileOneOfThemIsWell) {
  balancer.reconfigure({.slow_start_ms = 0, .zone = "north"});
  load(upstream("",
                "  - {target: \"10.0.0.1:80\", tags: [\"zone:north\"]}\n"
                "  - {target: \"10.0.0.2:80\", tags: [other, \"zone:south\"]}\n  - {target: \"10.0.0.3:80\"}\n"));
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.1:80", 4}}));
  board.of(test_uuid(7), "up")->mark("10.0.0.1:80", false);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 2}, {"10.0.0.3:80", 2}}));
}

// Health
// -------------------------------------------------------------------------------------------------------------------

const std::string kPassive =
    "  healthchecks: {passive: {unhealthy: {http_failures: 2, tcp_failures: 1}, healthy: {successes: 1}}}\n";

TEST_F(BalancerTest, LeavesOutWhatRequestsHaveFoundIll) {
  load(upstream(kPassive, kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  report("10.0.0.1:80", Outcome::HttpFailure, 2);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
}

TEST_F(BalancerTest, KeepsTheLastTargetThatNothingWouldBringBack) {
  load(upstream(kPassive, kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  report("10.0.0.1:80", Outcome::TcpFailure);
  report("10.0.0.2:80", Outcome::TcpFailure);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
}

TEST_F(BalancerTest, SaysThatNobodyIsThereWhenProbesWillBringThemBack) {
  load(upstream("  healthchecks: {active: {unhealthy: {interval: 5}}, passive: {unhealthy: {tcp_failures: 1}}}\n",
                kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  report("10.0.0.1:80", Outcome::TcpFailure);
  report("10.0.0.2:80", Outcome::TcpFailure);
  EXPECT_EQ(pick(*live()), "failure to get a peer from the ring-balancer");
}

TEST_F(BalancerTest, TakesAnUpstreamAsDownWhenTooLittleOfItsWeightIsLeft) {
  load(upstream("  healthchecks: {threshold: 50, passive: {unhealthy: {tcp_failures: 1}}}\n", kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  report("10.0.0.1:80", Outcome::TcpFailure);
  EXPECT_EQ(pick(*live()), "failure to get a peer from the ring-balancer") << "half is not more than half";
}

TEST_F(BalancerTest, KeepsHealthAcrossGenerations) {
  load(upstream(kPassive, kTwo));
  EXPECT_EQ(picks(4).size(), 2U);
  report("10.0.0.1:80", Outcome::TcpFailure);
  load(upstream(kPassive + "  host_header: other.test\n", kTwo));
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
  load(upstream("", kTwo));
  EXPECT_EQ(picks(4).size(), 2U) << "without checks nobody is ill";
}

}  // namespace
}  // namespace sluice::gateway
