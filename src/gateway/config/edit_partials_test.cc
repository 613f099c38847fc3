// SPDX-License-Identifier: Apache-2.0
// Plugins that take values of partials, in snapshots.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "gateway/gateway_fixture.h"

namespace sluice::gateway {
namespace {

struct RedisConfig {
  std::optional<std::string> host;
  int port = 6379;
  std::optional<std::string> password;

  static void describe(schema::Record<RedisConfig>& r) {
    r.field<&RedisConfig::host>("host");
    r.field<&RedisConfig::port>("port").optional();
    r.field<&RedisConfig::password>("password").referenceable();
    for (const char* name : {"timeout", "database"}) add(r, name, schema::Type::Integer);
    for (const char* name : {"ssl", "ssl_verify"}) add(r, name, schema::Type::Boolean);
    for (const char* name : {"username", "server_name"}) add(r, name, schema::Type::String);
  }
  static void add(schema::Record<RedisConfig>& r, const char* name, schema::Type type) {
    schema::Field field;
    field.name = name;
    field.type = type;
    r.add_field(std::move(field));
  }
};
struct CountConfig {
  RedisConfig redis;
  static void describe(schema::Record<CountConfig>& r) { r.field<&CountConfig::redis>("redis"); }
};
class CountPlugin final : public Plugin {
 public:
  static constexpr std::string_view kName = "count";
  static constexpr int kPriority = 5;
  using Config = CountConfig;
  explicit CountPlugin(CountConfig /*config*/) {}
};

class EditPartialsTest : public testing::Test {
 protected:
  EditPartialsTest() {
    vocabulary.plugins.add<CountPlugin>();
    vocabulary.schemas.add({.name = "count", .config = schema::describe<CountConfig>()});
    vocabulary.catalog = std::make_unique<entity::Catalog>(vocabulary.schemas);
    builder.emplace(*vocabulary.catalog, vocabulary.plugins, router::Flavor::TraditionalCompatible);
    current = builder->empty();
  }

  Snapshot::Ref apply(sync::Delta delta) {
    auto built = builder->build(*current, std::move(delta));
    if (!built) {
      ADD_FAILURE() << built.error().front().field << ": " << built.error().front().message;
      return current;
    }
    return current = *built;
  }
  /// What the only global plugin is made with.
  [[nodiscard]] static std::string redis(const Snapshot& snapshot, std::string_view member) {
    const PluginRows* rows = snapshot.plugins_at({});
    if (rows == nullptr || rows->size() != 1) return "not one plugin";
    const Json* value = rows->front()->config.find("redis")->find(member);
    return value == nullptr ? "absent" : value->is_string() ? value->as_string() : to_json(*value);
  }
  static std::string text(int port, std::string_view password = "p") {
    return "partials:\n- {id: " + test_id(1) +
           ", name: r, type: redis-ce, config: {host: a.test, port: " + std::to_string(port) + ", password: '" +
           std::string(password) + "'}}\n" + "plugins:\n- {id: " + test_id(2) +
           ", name: count, config: {redis: {host: own.test}}, partials: [{name: r}]}\n";
  }

  TestVocabulary vocabulary;
  std::optional<SnapshotBuilder> builder;
  Snapshot::Ref current;
};

TEST_F(EditPartialsTest, APluginRunsWithTheValuesOfItsPartial) {
  apply(vocabulary.load(text(7000)));
  EXPECT_EQ(redis(*current, "host"), "a.test");
  EXPECT_EQ(redis(*current, "port"), "7000");
}

TEST_F(EditPartialsTest, AChangeOfThePartialAloneMakesThePluginAnew) {
  const auto before = apply(vocabulary.load(text(7000)));
  const auto after = apply(vocabulary.only("partials", text(7001)));
  EXPECT_EQ(redis(*after, "port"), "7001");
  EXPECT_EQ(redis(*before, "port"), "7000") << "requests that began before keep what they began with";
  EXPECT_GT(after->policy_epoch, before->policy_epoch);
}

TEST_F(EditPartialsTest, TheOrderOfAChangeDoesNotMatter) {
  sync::Delta delta = vocabulary.load(text(7002));
  delta.complete = false;
  std::ranges::reverse(delta.upserts);
  apply(std::move(delta));
  EXPECT_EQ(redis(*current, "port"), "7002");
}

TEST_F(EditPartialsTest, SecretsOfAPartialAreResolvedWhereItIsUsed) {
  ::setenv("SLUICE_TEST_PARTIAL", "hidden", 1);
  apply(vocabulary.load(text(7000, "{vault://env/sluice-test-partial}")));
  EXPECT_EQ(redis(*current, "password"), "hidden");
  ::unsetenv("SLUICE_TEST_PARTIAL");
}

TEST_F(EditPartialsTest, APartialOfAnotherWorkspaceGivesNothing) {
  sync::Delta delta = vocabulary.load(text(7000));
  for (auto& row : delta.upserts) {
    if (row.type == "partials") row.workspace = test_uuid(900);
  }
  apply(std::move(delta));
  EXPECT_NE(redis(*current, "host"), "a.test");
}

TEST_F(EditPartialsTest, APartialMayChangeThoughAPluginNoLongerFitsItsRoute) {
  const auto scoped = [](int port) {
    std::string yaml = text(port);
    yaml.insert(yaml.find("partials: [{name: r}]"), "protocols: [grpc], route: " + test_id(3) + ", ");
    return yaml + "routes:\n- {id: " + test_id(3) + ", paths: [/], protocols: [http]}\n";
  };
  apply(vocabulary.load(scoped(7000)));  // a whole load does not compare them
  EXPECT_TRUE(builder->build(*current, vocabulary.only("partials", scoped(7001))));
  EXPECT_FALSE(builder->build(*current, vocabulary.only("plugins", scoped(7001))));
}

TEST_F(EditPartialsTest, AnotherPartialThanTheirsLeavesPluginsAlone) {
  const auto before = apply(vocabulary.load(text(7000)));
  const auto after = apply(vocabulary.only(
      "partials", "partials:\n- {id: " + test_id(9) + ", name: other, type: redis-ce, config: {host: b.test}}\n"));
  EXPECT_EQ(before->plugins_at({})->front().get(), after->plugins_at({})->front().get());
}

TEST_F(EditPartialsTest, WithoutItsLinkAPluginHasItsOwnValues) {
  apply(vocabulary.load(text(7000)));
  apply(
      vocabulary.only("plugins", "plugins:\n- {id: " + test_id(2) + ", name: count, config: {redis: {host: own}}}\n"));
  EXPECT_EQ(redis(*current, "host"), "own");
  apply(vocabulary.only("partials", text(7001)));
  EXPECT_EQ(redis(*current, "port"), "6379");
}

}  // namespace
}  // namespace sluice::gateway
