// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/gateway/export.h"
#include "cli/gateway/plan_text.h"
#include "crypto/hash.h"

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const entity::Catalog& catalog() {
  static const entity::Catalog kCatalog{entity::PluginSchemas{}};
  return kCatalog;
}

StateFile file_of(std::string_view text) {
  auto file = read_state_file({{"test", std::string(text)}}, process_environment());
  EXPECT_TRUE(file.has_value()) << file.error().what;
  return *std::move(file);
}

State wanted(std::string_view text, const CurrentState& current = {}) {
  auto state = wanted_state(catalog(), file_of(text), current);
  EXPECT_TRUE(state.has_value()) << (state ? "" : state.error().what);
  return state ? *std::move(state) : State{};
}

/// As if `state` had been written and read again.
CurrentState stored(const State& state, bool hash_passwords = false) {
  CurrentState current;
  for (const StateEntity& entity : state.entities) {
    Json document = entity.document;
    if (Json* password = document.find("password"); password != nullptr && hash_passwords) {
      *password = crypto::sha1_hex(password->as_string() + document.find("consumer")->find("id")->as_string());
    }
    document.as_object().set("created_at", 1);
    current.managed.entities.emplace_back(*entity.type, entity.id, std::move(document));
  }
  return current;
}

std::vector<std::string> lines(const Plan& plan) {
  PlanView view;
  view.details = false;
  std::vector<std::string> result;
  std::string text = plan_text(plan, view);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    result.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return result;
}

constexpr std::string_view kShop = R"({"_format_version":"3.0",
  "services":[{"name":"a","host":"a.internal","routes":[{"name":"a1","paths":["/a"]}]}],
  "consumers":[{"username":"alice","acls":[{"group":"readers"}],"groups":[{"name":"gold"}],
                "basicauth_credentials":[{"username":"al","password":"open"}]}],
  "consumer_groups":[{"name":"gold"}],
  "upstreams":[{"name":"pool","targets":[{"target":"10.0.0.1"}]}]})";

TEST(Plan, CreatesEverythingWhereNothingIs) {
  const Plan plan = make_plan({}, wanted(kShop), Deletions::Carry);
  EXPECT_EQ(plan.count(Action::Create), 9u);
  EXPECT_THAT(lines(plan), testing::Contains("creating acl-group readers for consumer alice"));
  EXPECT_THAT(lines(plan), testing::Contains("creating target 10.0.0.1:8000 for upstream pool"));
}

TEST(Plan, FindsNothingToDoTheSecondTime) {
  const CurrentState current = stored(wanted(kShop), true);
  const Plan plan = make_plan(current.managed, wanted(kShop, current), Deletions::Carry);
  EXPECT_THAT(lines(plan), testing::IsEmpty());
}

TEST(Plan, MatchesByNameAndKeepsIds) {
  const CurrentState current = stored(wanted(kShop), true);
  std::string changed(kShop);
  changed.replace(changed.find("a.internal"), 10, "b.internal");
  const State next = wanted(changed, current);
  const Plan plan = make_plan(current.managed, next, Deletions::Carry);
  EXPECT_THAT(lines(plan), ElementsAre("updating service a"));
  EXPECT_EQ(plan.changes[0].id, current.managed.entities[0].id);
}

TEST(Plan, AnIdInTheFileWinsOverTheName) {
  const CurrentState current = stored(wanted(R"({"_format_version":"3.0","services":[{"name":"a","host":"h"}]})"));
  const State next = wanted(
      R"({"_format_version":"3.0","services":[{"id":"11111111-1111-4111-8111-111111111111","name":"a","host":"h"}]})",
      current);
  EXPECT_THAT(lines(make_plan(current.managed, next, Deletions::Carry)),
              ElementsAre("deleting service a", "creating service a"));
}

TEST(Plan, DeletesWhatRefersFirstAndOnlyWhenAsked) {
  const CurrentState current = stored(wanted(kShop), true);
  const Plan plan = make_plan(current.managed, {}, Deletions::Carry);
  EXPECT_EQ(plan.count(Action::Delete), 9u);
  const auto order = lines(plan);
  EXPECT_LT(std::ranges::find(order, "deleting route a1"), std::ranges::find(order, "deleting service a"));
  EXPECT_TRUE(make_plan(current.managed, {}, Deletions::Leave).empty());
}

TEST(Plan, BatchHoldsWholeEntitiesWithoutStamps) {
  const Plan plan =
      make_plan({}, wanted(R"({"_format_version":"3.0","services":[{"name":"a","host":"h"}]})"), Deletions::Carry);
  const auto body = parse_json(batch_body(plan));
  ASSERT_TRUE(body.has_value());
  const Json& service = body->find("upsert")->find("services")->as_array().front();
  EXPECT_EQ(service.find("retries")->as_int(), 5);
  EXPECT_EQ(service.find("created_at"), nullptr);
}

TEST(Plan, SaysThatHashedPasswordsAreHashed) {
  Plan plan = make_plan({}, wanted(kShop), Deletions::Carry);
  EXPECT_THAT(batch_body(plan), Not(HasSubstr("_transform")));
  plan.transform = false;
  EXPECT_THAT(batch_body(plan), HasSubstr("\"_transform\":false"));
}

TEST(Plan, SelectTagsAreAddedToEveryEntity) {
  const State state = wanted(
      R"({"_format_version":"3.0","_info":{"select_tags":["t"]},"services":[{"name":"a","host":"h","tags":["own"]}]})");
  EXPECT_EQ(to_json(*state.entities[0].document.find("tags")), R"(["own","t"])");
}

TEST(Plan, DefaultsOfTheFileComeBeforeOurs) {
  const State state = wanted(R"({"_format_version":"3.0","_info":{"defaults":{"service":{"retries":2}}},
      "services":[{"name":"a","host":"h"},{"name":"b","host":"h","retries":3}]})");
  EXPECT_EQ(state.entities[0].document.find("retries")->as_int(), 2);
  EXPECT_EQ(state.entities[1].document.find("retries")->as_int(), 3);
}

TEST(Plan, LookupEntitiesAreReferredToAndNeverWritten) {
  CurrentState current;
  current.lookup = stored(wanted(R"({"_format_version":"3.0","services":[{"name":"shared","host":"h"}]})")).managed;
  const State state =
      wanted(R"({"_format_version":"3.0","routes":[{"name":"r","paths":["/r"],"service":"shared"}]})", current);
  ASSERT_EQ(state.entities.size(), 1u);
  EXPECT_EQ(state.entities[0].document.find("service")->find("id")->as_string(),
            current.lookup.entities[0].id.to_string());
}

TEST(Plan, WithoutConsumersNothingOfTheirsIsWanted) {
  CurrentState current;
  current.without_consumers = true;
  EXPECT_THAT(lines(make_plan({}, wanted(kShop, current), Deletions::Carry)),
              ElementsAre("creating service a", "creating route a1", "creating consumer-group gold",
                          "creating upstream pool", "creating target 10.0.0.1:8000 for upstream pool"));
}

TEST(PlanText, MasksSecretsAndSaysThatTheyChanged) {
  const CurrentState current = stored(wanted(kShop), true);
  std::string changed(kShop);
  changed.replace(changed.find("\"open\""), 6, "\"shut\"");
  const Plan plan = make_plan(current.managed, wanted(changed, current), Deletions::Carry);
  const std::string text = plan_text(plan, {});
  EXPECT_THAT(text, HasSubstr("updating basic-auth al for consumer alice {"));
  EXPECT_THAT(text, Not(HasSubstr("shut")));
  EXPECT_THAT(text, HasSubstr("changed"));
}

struct LogConfig {
  std::string http_endpoint;

  static void describe(schema::Record<LogConfig>& r) {
    r.field<&LogConfig::http_endpoint>("http_endpoint").encrypted();
  }
};

TEST(PlanText, MasksWhatTheStoreEncryptsInsideAPluginToo) {
  entity::PluginSchemas plugins;
  plugins.add({.name = "http-log", .config = schema::describe<LogConfig>()});
  const entity::Catalog with_log(plugins);
  const StateFile file = file_of(R"({"_format_version":"3.0",
      "plugins":[{"name":"http-log","config":{"http_endpoint":"http://u:pw@sink/"}}]})");
  const auto state = wanted_state(with_log, file, {});
  ASSERT_TRUE(state.has_value()) << state.error().what;
  const Plan plan = make_plan({}, *state, Deletions::Carry);
  EXPECT_THAT(to_json(plan_json(plan, {})), Not(HasSubstr("u:pw")));
  EXPECT_THAT(to_json(plan_json(plan, {})), HasSubstr(R"("http_endpoint":"[masked]")"));
  PlanView open;
  open.show_secrets = true;
  EXPECT_THAT(to_json(plan_json(plan, open)), HasSubstr("u:pw"));
}

TEST(PlanText, MasksValuesOfTheEnvironment) {
  const Plan plan = make_plan(
      {}, wanted(R"({"_format_version":"3.0","services":[{"name":"a","host":"secret.internal"}]})"), Deletions::Carry);
  PlanView view;
  view.environment_values = {"secret.internal"};
  EXPECT_THAT(to_json(plan_json(plan, view)), Not(HasSubstr("secret.internal")));
}

TEST(Export, ReadsBackAsTheSame) {
  const CurrentState current = stored(wanted(kShop), true);
  const Json file = export_state(catalog(), current.managed, {});
  const State again = wanted(to_json(file), current);
  EXPECT_THAT(lines(make_plan(current.managed, again, Deletions::Carry)), testing::IsEmpty());
  EXPECT_NE(file.find("services")->as_array()[0].find("routes"), nullptr);
  EXPECT_EQ(to_json(*file.find("consumers")->as_array()[0].find("groups")), R"([{"name":"gold"}])");
}

TEST(Export, LeavesOutDefaultsAndSelectTags) {
  const State state =
      wanted(R"({"_format_version":"3.0","_info":{"select_tags":["t"]},"services":[{"name":"a","host":"h"}]})");
  ExportOptions options;
  options.skip_defaults = true;
  options.select_tags = {"t"};
  EXPECT_EQ(to_json(*export_state(catalog(), state, options).find("services")), R"([{"name":"a","host":"h"}])");
}

}  // namespace
}  // namespace sluice::cli
