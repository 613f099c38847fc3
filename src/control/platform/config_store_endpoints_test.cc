// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "control/platform/platform_fixture.h"

namespace sluice::control::platform {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigStoreTest : public PlatformTest {
 protected:
  std::string make_store(const std::string& name) {
    const auto made = send("POST", local() + "/config-stores", R"({"name":")" + name + R"("})");
    EXPECT_EQ(made->status, 201) << made->text;
    return local() + "/config-stores/" + made->json().find("id")->as_string();
  }
};

TEST_F(ConfigStoreTest, AreMadeReadRenamedAndDeleted) {
  const std::string store = make_store("first");
  EXPECT_EQ(get(store)->json().find("name")->as_string(), "first");
  EXPECT_EQ(send("PUT", store, R"({"name":"second"})")->json().find("name")->as_string(), "second");
  EXPECT_EQ(send("DELETE", store)->status, 204);
  const auto gone = get(store);
  EXPECT_EQ(gone->status, 404);
  EXPECT_EQ(gone->header("Content-Type"), "application/problem+json");
}

TEST_F(ConfigStoreTest, ListsGoInPages) {
  for (const char* name : {"a", "b", "c"}) make_store(name);
  const Json first = get(local() + "/config-stores?page[size]=2")->json();
  EXPECT_EQ(first.find("data")->as_array().size(), 2U);
  const Json& page = *first.find("meta")->find("page");
  EXPECT_EQ(page.find("size")->as_int(), 2);
  const Json rest = get(page.find("next")->as_string())->json();
  ASSERT_EQ(rest.find("data")->as_array().size(), 1U);
  EXPECT_EQ(rest.find("data")->as_array()[0].find("name")->as_string(), "c");
  EXPECT_TRUE(rest.find("meta")->find("page")->find("next")->is_null());
}

TEST_F(ConfigStoreTest, AValueIsNeverShownAndNotReadableOnDisk) {
  const std::string store = make_store("s");
  const auto made = send("POST", store + "/secrets", R"({"key":"db","value":"correct-horse"})");
  EXPECT_EQ(made->status, 201);
  EXPECT_EQ(made->json().find("value"), nullptr);
  EXPECT_EQ(get(store + "/secrets/db")->json().find("key")->as_string(), "db");
  EXPECT_THAT(get(store + "/secrets")->text, Not(HasSubstr("correct-horse")));
  std::string disk;
  for (const char* name : {"/store.db", "/store.db-wal"}) {
    std::ostringstream text;
    text << std::ifstream(folder.path() + name, std::ios::binary).rdbuf();
    disk += text.str();
  }
  EXPECT_THAT(disk, HasSubstr("_config_store_secret"));
  EXPECT_THAT(disk, Not(HasSubstr("correct-horse")));
}

TEST_F(ConfigStoreTest, AReplicaReadsTheValue) {
  const std::string store = make_store("s");
  EXPECT_EQ(send("PUT", store + "/secrets/db", R"({"value":"one"})")->status, 201);
  EXPECT_EQ(send("PUT", store + "/secrets/db", R"({"value":"two"})")->status, 200);
  planes::TestProcess replica(folder.path(), reactor);
  const auto& stores = replica.planes.book().config_stores();
  const auto* found = stores.of(replica.planes.book().local().id).at(0);
  EXPECT_EQ(stores.find_secret(found->id, "db")->value.reveal(), "two");
}

TEST_F(ConfigStoreTest, OneWithSecretsGoesByForceOnly) {
  const std::string store = make_store("s");
  EXPECT_EQ(send("POST", store + "/secrets", R"({"key":"k","value":"v"})")->status, 201);
  const auto refused = send("DELETE", store);
  EXPECT_EQ(refused->status, 400);
  EXPECT_THAT(refused->text, HasSubstr(R"("field":"force")"));
  EXPECT_EQ(send("DELETE", store + "?force=true")->status, 204);
  EXPECT_EQ(get(store + "/secrets")->status, 404);
}

TEST_F(ConfigStoreTest, EverythingThatIsWrongIsSaid) {
  const std::string store = make_store("s");
  const auto refused = send("POST", store + "/secrets", R"({"key":"","value":5,"more":1})");
  EXPECT_EQ(refused->status, 400);
  for (const char* part :
       {R"("field":"key","rule":"min_length")", R"("field":"value")", R"("rule":"unknown_property")"}) {
    EXPECT_THAT(refused->text, HasSubstr(part));
  }
  EXPECT_EQ(send("POST", store + "/secrets", R"({"key":"k","value":"v"})")->status, 201);
  EXPECT_THAT(send("POST", store + "/secrets", R"({"key":"k","value":"v"})")->text, HasSubstr("exists already"));
  EXPECT_EQ(send("POST", local() + "/config-stores", R"({"name":")" + std::string(101, 'x') + R"("})")->status, 400);
}

TEST_F(ConfigStoreTest, GoWithTheirControlPlaneAndAreNobodyElses) {
  const Uuid a = process.create("a");
  const std::string path = "/v2/control-planes/" + a.to_string() + "/config-stores";
  const auto made = send("POST", path, R"({"name":"s"})");
  const std::string id = made->json().find("id")->as_string();
  EXPECT_EQ(send("PUT", path + "/" + id + "/secrets/k", R"({"value":"v"})")->status, 201);
  EXPECT_EQ(get(local() + "/config-stores/" + id)->status, 404);
  store::expect(rt::run(reactor, process.planes.remove(a, "tester")));
  EXPECT_TRUE(process.planes.book().config_stores().keys_of(a).empty());
  EXPECT_EQ(process.planes.book().config_stores().find_secret(*Uuid::parse(id), "k"), nullptr);
}

}  // namespace
}  // namespace sluice::control::platform
