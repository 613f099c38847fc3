// SPDX-License-Identifier: Apache-2.0
#include "control/admin/entity_view.h"

#include <gmock/gmock.h>

#include "entity/catalog_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

struct RedisConfig {
  std::optional<std::string> password;

  static void describe(schema::Record<RedisConfig>& r) { r.field<&RedisConfig::password>("password").secret(); }
};
/// A plugin whose secret has an old name, too.
struct OldNameConfig {
  RedisConfig redis;

  static void describe(schema::Record<OldNameConfig>& r) {
    r.field<&OldNameConfig::redis>("redis");
    r.shorthand_for("redis_password", schema::Type::String, {"redis", "password"});
  }
};

TEST(EntityView, AHiddenSecretIsHiddenUnderItsOldNameToo) {
  entity::PluginSchemas plugins;
  plugins.add({.name = "old-name", .config = schema::describe<OldNameConfig>()});
  const entity::Catalog catalog{plugins};
  const store::MemoryStore store{catalog};
  const Json plugin =
      entity::accepted(catalog, "plugins", R"({"name":"old-name","config":{"redis":{"password":"hush"}}})");
  const Uuid id = *Uuid::parse(plugin.find("id")->as_string());
  const schema::EntityBase& type = *catalog.find("plugins");
  std::string shown;
  append_document(shown, View(catalog, store.space(), true), type, id, to_json(plugin));
  EXPECT_THAT(shown, HasSubstr(R"("redis_password":"***")"));
  EXPECT_THAT(shown, Not(HasSubstr("hush")));
  std::string whole;
  append_document(whole, View(catalog, store.space(), false), type, id, to_json(plugin));
  EXPECT_THAT(whole, HasSubstr(R"("redis_password":"hush")"));
}

}  // namespace
}  // namespace sluice::control::admin
