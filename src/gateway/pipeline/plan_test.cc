// SPDX-License-Identifier: Apache-2.0
#include "gateway/pipeline/plan.h"

#include <string>
#include <vector>

#include "gateway/gateway_fixture.h"

namespace sluice::gateway {
namespace {

constexpr int kRoute = 1, kService = 2, kConsumer = 3, kGold = 4, kSilver = 5, kOtherRoute = 6;

/// A plugin row `value` with the scopes that its name lists: "consumer+route".
std::string row(std::string_view plugin, std::string_view scopes, int id = 0) {
  std::string text = "- name: " + std::string(plugin) + "\n  config: {value: \"" + std::string(scopes) + "\"}\n";
  if (id != 0) text += "  id: " + test_id(id) + "\n";
  auto scope = [&](std::string_view name, std::string_view field, int of) {
    if (("+" + std::string(scopes) + "+").find("+" + std::string(name) + "+") != std::string::npos) {
      text += "  " + std::string(field) + ": {id: " + test_id(of) + "}\n";
    }
  };
  scope("consumer", "consumer", kConsumer);
  scope("gold", "consumer_group", kGold);
  scope("silver", "consumer_group", kSilver);
  scope("route", "route", kRoute);
  scope("service", "service", kService);
  return text;
}

class PlanTest : public testing::Test, protected Generations {
 protected:
  void load_rows(const std::string& plugins) {
    load("services:\n- {id: " + test_id(kService) + ", host: up.test}\nroutes:\n- {id: " + test_id(kRoute) +
         ", paths: [/a], service: {id: " + test_id(kService) + "}}\n- {id: " + test_id(kOtherRoute) +
         ", paths: [/b]}\nconsumer_groups:\n- {id: " + test_id(kGold) + ", name: gold}\n- {id: " + test_id(kSilver) +
         ", name: silver}\nconsumers:\n- id: " + test_id(kConsumer) +
         "\n  username: bob\n  groups: [{name: silver}, {name: gold}]\n" +
         (plugins.empty() ? "" : "plugins:\n" + plugins));
  }
  [[nodiscard]] const RouteConfig* route(int id = kRoute) const {
    return current->routes_by_id.find(test_uuid(id))->get();
  }
  [[nodiscard]] const Consumer* bob() const { return current->consumer(test_uuid(kConsumer)); }
  [[nodiscard]] std::vector<std::string> values(const RouteConfig* of, const Consumer* consumer) const {
    std::vector<std::string> found;
    for (const auto& effective : effective_rows(*current, of, consumer)) {
      found.push_back(effective->config.find("value")->as_string());
    }
    return found;
  }
  TestHost host;
  PlanCache cache{host.host};
};

TEST_F(PlanTest, TakesTheNarrowestRowOfEachPlugin) {
  const std::vector<std::string> by_precedence = {"consumer+route+service",
                                                  "gold+route+service",
                                                  "consumer+route",
                                                  "consumer+service",
                                                  "gold+route",
                                                  "gold+service",
                                                  "route+service",
                                                  "consumer",
                                                  "gold",
                                                  "route",
                                                  "service",
                                                  "global"};
  for (std::size_t first = 0; first < by_precedence.size(); ++first) {
    std::string rows;
    // Backwards and forwards, so that the order of the rows cannot decide.
    for (std::size_t i = by_precedence.size(); i-- > first;) rows += row("answer", by_precedence[i]);
    load_rows(rows);
    EXPECT_EQ(values(route(), bob()), std::vector<std::string>{by_precedence[first]});
    rows.clear();
    for (std::size_t i = first; i < by_precedence.size(); ++i) rows += row("answer", by_precedence[i]);
    load_rows(rows);
    EXPECT_EQ(values(route(), bob()), std::vector<std::string>{by_precedence[first]});
  }
}

TEST_F(PlanTest, LeavesOutRowsOfOthers) {
  load_rows(row("answer", "consumer+route") + row("mark-late", "route") + row("mark-early", "service"));
  EXPECT_EQ(values(route(kOtherRoute), bob()), std::vector<std::string>{});
  EXPECT_EQ(values(route(), nullptr), (std::vector<std::string>{"service", "route"}));
  EXPECT_EQ(values(nullptr, nullptr), std::vector<std::string>{});
}

TEST_F(PlanTest, TakesTheFirstOfSeveralGroupsByName) {
  load_rows(row("answer", "silver") + row("answer", "gold"));
  EXPECT_EQ(values(route(), bob()), std::vector<std::string>{"gold"});
  load_rows(row("answer", "silver+route") + row("answer", "gold"));
  EXPECT_EQ(values(route(), bob()), std::vector<std::string>{"silver+route"}) << "the narrower scope comes first";
}

TEST_F(PlanTest, RunsPluginsByPriority) {
  load_rows(row("answer", "global") + row("mark-late", "route") + row("mark-early", "service"));
  EXPECT_EQ(values(route(), nullptr), (std::vector<std::string>{"service", "route", "global"}));
}

TEST_F(PlanTest, IsResolvedOnceAndCached) {
  load_rows(row("answer", "global"));
  const Rc<Plan> first = cache.plan(*current, route(), nullptr);
  EXPECT_EQ(cache.plan(*current, route(), nullptr).get(), first.get());
  EXPECT_EQ(cache.plan(*current, route(), bob()).get(), first.get()) << "no plugin names bob";
  EXPECT_EQ(cache.size(), 1U);
}

TEST_F(PlanTest, BelongsToAConsumerOnlyIfPluginsNameIt) {
  load_rows(row("answer", "global") + row("mark-late", "gold", 32));
  const Rc<Plan> nobodys = cache.plan(*current, route(), nullptr);
  EXPECT_NE(cache.plan(*current, route(), bob()).get(), nobodys.get());
  sync::Delta removal;
  removal.removals.push_back({"plugins", test_uuid(32)});
  apply(std::move(removal));
  EXPECT_EQ(cache.plan(*current, route(), bob()).get(), cache.plan(*current, route(), nullptr).get());
}

TEST_F(PlanTest, FollowsAConsumerThatLeavesItsGroups) {
  load_rows(row("answer", "gold"));
  EXPECT_EQ(cache.plan(*current, route(), bob())->instances.size(), 1U);
  const Consumer* before = bob();
  sync::Delta removal;
  for (const auto& entry : current->rows.find("consumer_group_consumers")->second) {
    removal.removals.push_back({"consumer_group_consumers", entry.key});
  }
  apply(std::move(removal));
  ASSERT_NE(bob(), before);
  EXPECT_EQ(cache.plan(*current, route(), bob())->instances.size(), 0U);
}

TEST_F(PlanTest, IsSharedByTheRoutesOfAService) {
  load("services:\n- id: " + test_id(kService) + "\n  host: up.test\n  routes:\n  - {id: " + test_id(kRoute) +
       ", paths: [/a]}\n  - {id: " + test_id(kOtherRoute) + ", paths: [/b]}\nplugins:\n- {name: answer}\n");
  const Rc<Plan> shared = cache.plan(*current, route(), nullptr);
  EXPECT_EQ(cache.plan(*current, route(kOtherRoute), nullptr).get(), shared.get());
  EXPECT_EQ(shared->service->id.value, test_uuid(kService));
}

TEST_F(PlanTest, KeepsPluginsOfWorkspacesApart) {
  load_rows(row("answer", "global"));
  sync::Delta other = vocabulary.load("routes:\n- {id: " + test_id(50) +
                                      ", paths: [/other]}\nplugins:\n- {name: mark-late, config: {value: theirs}}\n");
  other.complete = false;
  for (sync::EntityRow& row : other.upserts) row.workspace = test_uuid(900);
  apply(std::move(other));
  EXPECT_EQ(values(route(), nullptr), std::vector<std::string>{"global"});
  EXPECT_EQ(values(route(50), nullptr), std::vector<std::string>{"theirs"});
  EXPECT_EQ(values(nullptr, nullptr), std::vector<std::string>{"global"});
}

TEST_F(PlanTest, IsNotMadeTwiceForOneConsumer) {
  load_rows(row("answer", "consumer"));
  for (std::size_t i = 0; i < 100; ++i) (void)cache.plan(*current, route(), bob());
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.instances(), 1U);
}

TEST_F(PlanTest, KeepsInstancesWhoseRowDidNotChange) {
  load_rows(row("answer", "global", 31) + row("mark-late", "route", 32));
  const Rc<Plan> before = cache.plan(*current, route(), nullptr);
  sync::Delta change =
      vocabulary.only("plugins", "plugins:\n- {id: " + test_id(31) + ", name: answer, config: {value: new}}\n");
  apply(std::move(change));
  const Rc<Plan> after = cache.plan(*current, route(), nullptr);
  ASSERT_EQ(after->instances.size(), 2U);
  EXPECT_EQ(after->instances[0].get(), before->instances[0].get());
  EXPECT_NE(after->instances[1].get(), before->instances[1].get());
}

TEST_F(PlanTest, ServesRequestsOfTwoGenerationsSideBySide) {
  load_rows(row("answer", "global", 31));
  const Snapshot::Ref old = current;
  apply(vocabulary.only("plugins", "plugins:\n- {id: " + test_id(31) + ", name: answer, config: {value: new}}\n"));
  auto value = [&](const Snapshot& snapshot) {
    const auto* of = snapshot.routes_by_id.find(test_uuid(kRoute))->get();
    return cache.plan(snapshot, of, nullptr)->instances[0]->row->config.find("value")->as_string();
  };
  EXPECT_EQ(value(*current), "new");
  EXPECT_EQ(value(*old), "global");
  EXPECT_EQ(value(*current), "new");
}

TEST_F(PlanTest, SweepsWhatBelongsToRoutesThatAreGone) {
  load_rows(row("answer", "route"));
  (void)cache.plan(*current, route(), nullptr);
  (void)cache.plan(*current, nullptr, nullptr);
  EXPECT_EQ(cache.size(), 2U);
  sync::Delta removal;
  removal.removals.push_back({"routes", test_uuid(kRoute)});
  apply(std::move(removal));
  cache.sweep(*current);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.instances(), 0U);
}

}  // namespace
}  // namespace sluice::gateway
