// SPDX-License-Identifier: Apache-2.0
#include "entity/declarative.h"

#include <chrono>

#include "entity/all.h"
#include "entity/catalog_fixture.h"

namespace sluice::entity {
namespace {

class Declarative : public ::testing::Test {
 protected:
  std::vector<Row> load(std::string_view text) {
    auto rows = load_declarative(catalog, parse(text), {.now = 1700000000});
    EXPECT_TRUE(rows.has_value()) << (rows ? "" : rows.error().all.text());
    return rows ? *std::move(rows) : std::vector<Row>{};
  }
  DeclarativeErrors errors(std::string_view text) {
    auto rows = load_declarative(catalog, parse(text));
    EXPECT_FALSE(rows.has_value());
    return rows ? DeclarativeErrors{} : std::move(rows).error();
  }
  template <class T>
  std::vector<T> all(const std::vector<Row>& rows) {
    std::vector<T> result;
    for (const auto& row : rows) {
      if (row.type->name() == T::kName) result.push_back(catalog.of<T>().read(row.json()));
    }
    return result;
  }

  const Catalog catalog{test_plugins()};
};

TEST_F(Declarative, TakesNestedEntities) {
  const auto rows = load(R"({"_format_version":"3.0","services":[{"name":"s","url":"http://h",
    "plugins":[{"name":"key-auth"}],"routes":[{"name":"r","paths":["/a"],"plugins":[{"name":"rate-limiting",
    "config":{"minute":5}}]}]}],
    "consumers":[{"username":"c","keyauth_credentials":[{"key":"k"}],"acls":[{"group":"g"}],
    "groups":[{"name":"gold"}]}],
    "consumer_groups":[{"name":"gold"}],
    "upstreams":[{"name":"u","targets":[{"target":"h:1"}]}]})");
  ASSERT_EQ(rows.size(), 11U);
  const auto services = all<Service>(rows);
  const auto routes = all<Route>(rows);
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_EQ(routes[0].service.id, services.at(0).id.value);
  const auto plugins = all<Plugin>(rows);
  ASSERT_EQ(plugins.size(), 2U);
  EXPECT_EQ(plugins[0].route.id, routes[0].id.value);  // routes come before plugins, also inside a service
  EXPECT_EQ(plugins[1].service.id, services[0].id.value);
  EXPECT_EQ(all<KeyauthCredential>(rows).at(0).consumer.id, all<Consumer>(rows).at(0).id.value);
  EXPECT_EQ(all<ConsumerGroupConsumer>(rows).at(0).consumer_group.id, all<ConsumerGroup>(rows).at(0).id.value);
  EXPECT_EQ(all<Target>(rows).at(0).target, "h:1");
}

TEST_F(Declarative, ResolvesNamesAndIdsInFlatFiles) {
  const auto rows = load(R"({"_format_version":"3.0","_transform":true,
    "services":[{"name":"s","host":"h"},{"id":"5b2a1a3e-1111-4111-8111-111111111111","host":"h"}],
    "routes":[{"name":"a","paths":["/a"],"service":"s"},
              {"name":"b","paths":["/b"],"service":{"name":"s"}},
              {"name":"c","paths":["/c"],"service":"5b2a1a3e-1111-4111-8111-111111111111"},
              {"name":"d","paths":["/d"],"service":{"id":"5b2a1a3e-1111-4111-8111-111111111111"}}]})");
  const auto services = all<Service>(rows);
  const auto routes = all<Route>(rows);
  ASSERT_EQ(routes.size(), 4U);
  EXPECT_EQ(routes[0].service.id, services.at(0).id.value);
  EXPECT_EQ(routes[1].service.id, services[0].id.value);
  EXPECT_EQ(routes[2].service.id, services.at(1).id.value);
  EXPECT_EQ(routes[3].service.id, services[1].id.value);
}

TEST_F(Declarative, GivesIdsThatFollowFromNames) {
  const auto first =
      load(R"({"_format_version":"3.0","services":[{"name":"s","host":"h","plugins":[{"name":"key-auth"}]}]})");
  const auto second =
      load(R"({"_format_version":"3.0","services":[{"name":"s","host":"h2","plugins":[{"name":"key-auth"}]}]})");
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].id, second[0].id);
  EXPECT_EQ(first[1].id, second[1].id);
  // python3: uuid5(uuid5(UUID('fd02801f-0957-4a15-a55a-c8d9606f30b5'), 'services'), 's')
  EXPECT_EQ(first[0].id.to_string(), "b268827a-8f7f-551f-8769-e6bceb2f3ec6");
}

TEST_F(Declarative, ReportsEveryViolationWithItsPath) {
  const auto all = errors(R"({"_format_version":"3.0","odd":1,"services":[{"name":"a"},
    {"name":"b","host":"h","routes":[{"paths":["/ok","bad"]}]}],"plugins":[{"name":"http-log",
    "config":{"http_endpoint":"x"}}]})")
                       .all;
  EXPECT_EQ(all.text(),
            "odd: unknown field\n"
            "services[0].host: required field missing\n"
            "services[1].routes[0].paths[1]: should start with: / (fixed path) or ~/ (regexed path)\n"
            "plugins[0].config.http_endpoint: missing host in url");
}

TEST_F(Declarative, GivesKongsErrorBody) {
  const Json body = errors(R"({"_format_version":"3.0","services":[{"name":"a","host":"h"},{"name":"b"}]})").body();
  EXPECT_EQ(to_json(body),
            R"({"code":14,"name":"invalid declarative configuration","message":"declarative config is invalid: )"
            R"({services={[2]={host=\"required field missing\"}}}",)"
            R"("fields":{"services":[null,{"host":"required field missing"}]}})");
}

TEST_F(Declarative, FlattensErrorsByEntity) {
  const Json body = errors(R"({"_format_version":"3.0","services":[{"name":"a","host":"h",
    "id":"5b2a1a3e-1111-4111-8111-111111111111","tags":["k8s-name:x"],"protocol":"tcp","path":"/p",
    "routes":[{"name":"r","paths":["x"],"tags":["t"]}]}]})")
                        .flattened_body();
  EXPECT_EQ(to_json(*body.find("fields")), "{}");
  EXPECT_EQ(*body.find("flattened_errors"), parse(R"json([
    {"entity_type":"service","entity_name":"a","entity_id":"5b2a1a3e-1111-4111-8111-111111111111",
    "entity_tags":["k8s-name:x"],
     "entity":{"name":"a","host":"h","id":"5b2a1a3e-1111-4111-8111-111111111111","tags":["k8s-name:x"],
    "protocol":"tcp","path":"/p"},
     "errors":[{"type":"field","message":"value must be null","field":"path"},
               {"type":"entity","message":"failed conditional validation given value of field 'protocol'"}]},
    {"entity_type":"route","entity_name":"r","entity_tags":["t"],
     "entity":{"name":"r","paths":["x"],"tags":["t"],"service":{"id":"5b2a1a3e-1111-4111-8111-111111111111"}},
     "errors":[{"type":"field","message":"should start with: / (fixed path) or ~/ (regexed path)",
    "field":"paths.1"}]}])json"));
}

TEST_F(Declarative, RefusesAReferenceToNothing) {
  const auto found = errors(R"({"_format_version":"3.0","routes":[{"name":"r","paths":["/"],"service":"x"}]})");
  EXPECT_EQ(to_json(*found.body().find("fields")),
            R"json({"routes":{"r":["invalid reference 'service: x' (no such entry in 'services')"]}})json");
  EXPECT_EQ(found.all.text(), "routes[0].service: invalid reference 'service: x' (no such entry in 'services')");
}

TEST_F(Declarative, RefusesTwoEntitiesOfOneName) {
  const auto found = errors(
      R"({"_format_version":"3.0","consumers":[{"username":"a","custom_id":"1"},{"username":"b","custom_id":"1"}],
    "services":[{"name":"x","host":"h"},{"name":"x","host":"h"}]})");
  EXPECT_EQ(found.all.text(),
            "services[1]: uniqueness violation: 'services' entity with name set to 'x' already declared\n"
            "consumers[1]: uniqueness violation: 'consumers' entity with custom_id set to '1' already declared");
}

TEST_F(Declarative, RefusesTwoPluginsOfOneScope) {
  const auto found = errors(
      R"({"_format_version":"3.0","plugins":[{"name":"key-auth"},{"name":"key-auth",
    "id":"5b2a1a3e-1111-4111-8111-111111111111"}]})");
  EXPECT_THAT(found.all.text(), ::testing::HasSubstr("plugins[1]: uniqueness violation: 'plugins' entity with"));
}

TEST_F(Declarative, NeedsAKnownFormatVersion) {
  EXPECT_EQ(errors("{}").all.text(), "_format_version: required field missing");
  EXPECT_EQ(errors(R"({"_format_version":"4"})").all.text(), "_format_version: expected one of: 1.1, 2.1, 3.0");
}

TEST_F(Declarative, MarksRegularExpressionsOfOldFiles) {
  const auto rows =
      load(R"({"_format_version":"2.1","services":[{"name":"s","host":"h","routes":[{"paths":["/a","/b/\\d+"]}]}]})");
  EXPECT_THAT(all<Route>(rows).at(0).paths, ::testing::ElementsAre("/a", "~/b/\\d+"));
}

TEST_F(Declarative, LeavesTransformedValuesAlone) {
  const char* const kFile =
      R"("consumers":[{"username":"c","basicauth_credentials":[{"username":"u","password":"x"}]}]})";
  const auto raw = load(std::string(R"({"_format_version":"3.0","_transform":false,)") + kFile);
  EXPECT_EQ(all<BasicauthCredential>(raw).at(0).password.reveal(), "x");
  const auto hashed = load(std::string(R"({"_format_version":"3.0",)") + kFile);
  EXPECT_EQ(all<BasicauthCredential>(hashed).at(0).password.reveal().size(), 40U);
}

TEST_F(Declarative, ReadsWhatItExports) {
  const auto rows = load(
      R"({"_format_version":"3.0","services":[{"name":"s","url":"http://h","routes":[{"name":"r","paths":["/a"]}]}],
    "consumers":[{"username":"c","basicauth_credentials":[{"username":"u","password":"x"}]}]})");
  const Json file = export_declarative(catalog, rows);
  auto again = load_declarative(catalog, file, {.now = 1700000000});
  ASSERT_TRUE(again.has_value()) << again.error().all.text();
  ASSERT_EQ(again->size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ((*again)[i].document, rows[i].document);
}

TEST_F(Declarative, ConvertsAHundredThousandRoutes) {
  Json::Array routes;
  for (int i = 0; i < 100'000; ++i) {
    const std::string n = std::to_string(i);
    routes.emplace_back(Json::Object{{"name", "route-" + n},
                                     {"paths", Json::Array{"/path/" + n}},
                                     {"hosts", Json::Array{"host" + n + ".example.com"}},
                                     {"service", "s"}});
  }
  const Json file = Json::Object{{"_format_version", "3.0"},
                                 {"services", Json::Array{Json(Json::Object{{"name", "s"}, {"host", "h"}})}},
                                 {"routes", std::move(routes)}};
  const auto start = std::chrono::steady_clock::now();
  const auto rows = load_declarative(catalog, file);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(rows.has_value());
  EXPECT_EQ(rows->size(), 100'001U);
  RecordProperty("milliseconds", static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  std::size_t size = 0;
  for (const auto& row : *rows) size += row.document.size();
  RecordProperty("octets_per_row", static_cast<int>(size / rows->size()));
}

}  // namespace
}  // namespace sluice::entity
