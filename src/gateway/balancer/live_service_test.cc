// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/live_service.h"

#include <map>
#include <string>

#include "gateway/gateway_fixture.h"
#include "rt/test_loop.h"

namespace sluice::gateway {
namespace {

/// Knows `two.test` by two addresses.
class TwoAddresses final : public NameResolver {
 public:
  Task<Result<std::vector<IpAddress>>> resolve(const std::string& host, rt::Deadline /*deadline*/) override {
    using Answer = Result<std::vector<IpAddress>>;
    if (host != "two.test") return Answer(fail(Errc::Unavailable, "name resolution failed", Blame::Upstream));
    return Answer(std::vector<IpAddress>{*IpAddress::parse("10.9.9.1"), *IpAddress::parse("10.9.9.2")});
  }
};

class BalancerTest : public testing::Test, protected Generations {
 protected:
  Rc<LiveService> live() { return balancer.live(*current, *current->services.find(test_uuid(1))); }
  std::string pick(LiveService& service) {
    auto choice = rt::run(reactor, balancer.pick(service, reactor.after_ms(1000)));
    return choice ? choice->endpoint->address.to_string() : choice.error().what;
  }
  std::map<std::string, int> picks(int count) {
    Rc<LiveService> service = live();
    std::map<std::string, int> counted;
    for (int i = 0; i < count; ++i) ++counted[pick(*service)];
    return counted;
  }
  static std::string config(const std::string& host, const std::string& targets) {
    return "services:\n- {id: " + test_id(1) + ", host: " + host + ", port: 81}\n" +
           (targets.empty() ? "" : "upstreams:\n- name: up\n  targets:\n" + targets);
  }

  rt::Reactor reactor;
  http::PoolOptions pool;
  TwoAddresses resolver;
  Balancer balancer{reactor, pool, resolver};
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
  balancer.set_health(test_uuid(7), "10.0.0.1:80", false);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.2:80", 4}}));
  balancer.set_health(test_uuid(7), "10.0.0.2:80", false);
  EXPECT_EQ(pick(*live()), "failure to get a peer from the ring-balancer");
  balancer.set_health(test_uuid(7), "10.0.0.1:80", true);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"10.0.0.1:80", 4}}));
}

TEST_F(BalancerTest, KeepsAMarkAcrossGenerations) {
  auto config_with = [&](const std::string& host_header) {
    return "services:\n- {id: " + test_id(1) + ", host: up}\nupstreams:\n- {id: " + test_id(7) +
           ", name: up, host_header: " + host_header +
           ", targets: [{target: \"10.0.0.1:80\"}, {target: \"10.0.0.2:80\"}]}\n";
  };
  load(config_with("a.test"));
  balancer.set_health(test_uuid(7), "10.0.0.1:80", false);
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

}  // namespace
}  // namespace sluice::gateway
