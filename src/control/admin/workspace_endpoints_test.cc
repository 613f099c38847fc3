// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WorkspacesTest : public AdminTest {
 protected:
  WorkspacesTest() : AdminTest(Storage::Sqlite) { EXPECT_EQ(post("/workspaces", R"({"name":"team"})")->status, 201); }
};

TEST_F(WorkspacesTest, TheDefaultOneIsAlwaysThere) {
  EXPECT_EQ(get("/workspaces/default")->json().find("id")->as_string(), "0dc6f45b-8f8d-40d2-a504-473544ee190b");
  EXPECT_THAT(column(get("/workspaces")->json(), "name"), ElementsAre("default", "team"));
  EXPECT_EQ(remove("/workspaces/default")->text, R"({"message":"Cannot delete default workspace"})");
  EXPECT_EQ(patch("/workspaces/default", R"({"comment":"ours"})")->status, 200);
  EXPECT_EQ(get("/workspaces/default")->json().find("comment")->as_string(), "ours");
  EXPECT_EQ(get("/workspaces")->json().find("data")->as_array().size(), 2U);
}

TEST_F(WorkspacesTest, NoneIsNamedAsAPathBegins) {
  for (const Json& path : get("/endpoints")->json().find("data")->as_array()) {
    const std::string_view rest = std::string_view(path.as_string()).substr(1);
    const std::string name(rest.substr(0, rest.find('/')));
    if (!name.starts_with('{')) EXPECT_EQ(post("/workspaces", "{\"name\":\"" + name + "\"}")->status, 400) << name;
  }
}

TEST_F(WorkspacesTest, NamesAreTheirOwn) {
  EXPECT_EQ(post("/team/services", R"({"name":"alpha","url":"http://t.test"})")->status, 201);
  EXPECT_EQ(get("/team/services/alpha")->json().find("host")->as_string(), "t.test");
  EXPECT_EQ(get("/services/alpha")->json().find("host")->as_string(), "alpha.test");
  EXPECT_THAT(column(get("/team/services")->json(), "name"), ElementsAre("alpha"));
  EXPECT_EQ(gateway.deltas.back().upserts[0].workspace.to_string(),
            get("/workspaces/team")->json().find("id")->as_string());
}

TEST_F(WorkspacesTest, NothingLeaksByIdOrReference) {
  const std::string id = "11111111-1111-4111-8111-111111111111";
  EXPECT_EQ(get("/team/services/" + id)->status, 404);
  EXPECT_EQ(patch("/team/services/" + id, R"({"retries":1})")->status, 404);
  EXPECT_EQ(remove("/team/services/" + id)->status, 204);
  EXPECT_EQ(get("/services/" + id)->status, 200);
  EXPECT_EQ(put("/team/services/" + id, R"({"url":"http://t.test"})")->status, 400);
  EXPECT_EQ(post("/team/routes", R"({"paths":["/"],"service":{"id":")" + id + "\"}}")->status, 400);
  EXPECT_THAT(get("/team/tags")->json().find("data")->as_array(), IsEmpty());
}

TEST_F(WorkspacesTest, UnknownOnesAreNotFound) {
  EXPECT_EQ(get("/ghost/services")->status, 404);
  EXPECT_EQ(get("/workspaces/ghost")->status, 404);
  EXPECT_EQ(get("/team/kong")->json().find("tagline")->as_string(), "Welcome to kong");
}

TEST_F(WorkspacesTest, OneThatIsInUseIsKept) {
  EXPECT_EQ(post("/team/services", R"({"name":"s","url":"http://t.test"})")->status, 201);
  EXPECT_EQ(post("/team/services/s/routes", R"({"paths":["/"]})")->status, 201);
  EXPECT_EQ(get("/workspaces/team/meta")->json().find("counts")->find("services")->as_int(), 1);
  EXPECT_EQ(remove("/workspaces/team")->text, R"({"message":"Workspace is not empty"})");
  EXPECT_EQ(remove("/workspaces/team?cascade=true")->status, 204);
  EXPECT_EQ(get("/team/services")->status, 404);
  EXPECT_EQ(remove("/workspaces/team")->status, 204);
}

TEST_F(WorkspacesTest, NamesOfEntitiesAndNewNamesAreRefused) {
  EXPECT_EQ(post("/workspaces", R"({"name":"services"})")->status, 400);
  EXPECT_EQ(post("/workspaces", R"({"name":"team"})")->status, 409);
  EXPECT_EQ(patch("/workspaces/team", R"({"name":"other"})")->status, 400);
}

TEST_F(WorkspacesTest, NoNameChangesInABatchEither) {
  EXPECT_EQ(post("/workspaces", R"({"name":"default"})")->status, 409);
  const std::string id = get("/workspaces/team")->json().find("id")->as_string();
  const auto renamed = post("/batch", R"({"update":{"workspaces":[{"id":")" + id + R"(","name":"other"}]}})");
  EXPECT_EQ(renamed->status, 400) << renamed->text;
  EXPECT_EQ(get("/workspaces/team")->status, 200);
}

TEST_F(WorkspacesTest, APageOfOneLeadsToTheNext) {
  const Json first = get("/workspaces?size=1")->json();
  EXPECT_THAT(column(first, "name"), ElementsAre("default"));
  ASSERT_TRUE(first.find("next")->is_string());
  EXPECT_THAT(column(get(first.find("next")->as_string())->json(), "name"), ElementsAre("team"));
}

}  // namespace
}  // namespace sluice::control::admin
