// SPDX-License-Identifier: Apache-2.0
#include "control/publish/workspace_versions.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::publish {
namespace {

class WorkspaceVersionsTest : public admin::AdminTest {
 protected:
  WorkspaceVersionsTest() : AdminTest(admin::Storage::Sqlite) {
    EXPECT_EQ(post("/workspaces", R"({"name":"team"})")->status, 201);
  }
  std::string tag(std::string_view list) { return get(list)->header("ETag"); }
};

TEST_F(WorkspaceVersionsTest, AWriteElsewhereLeavesAWorkspaceAsItWas) {
  const std::string team = tag("/team/services");
  const std::string own = tag("/services");
  EXPECT_EQ(post("/services", R"({"name":"n","url":"http://x.test"})")->status, 201);
  EXPECT_EQ(tag("/team/services"), team);
  EXPECT_NE(tag("/services"), own);
  const auto written = send("POST", "/team/batch", R"({"create":{"services":[{"name":"t","url":"http://x.test"}]}})",
                            {{"Content-Type", "application/json"}, {"If-Match", team}});
  EXPECT_EQ(written->status, 200) << written->text;
  const auto late = send("POST", "/team/batch", R"({"delete":{"services":["t"]}})",
                         {{"Content-Type", "application/json"}, {"If-Match", team}});
  EXPECT_EQ(late->status, 412);
}

TEST_F(WorkspaceVersionsTest, WhatIsGoneTouchedItToo) {
  EXPECT_EQ(post("/team/services", R"({"name":"t","url":"http://x.test"})")->status, 201);
  const std::string before = tag("/team/services");
  EXPECT_EQ(remove("/team/services/t")->status, 204);
  EXPECT_NE(tag("/team/services"), before);
}

TEST_F(WorkspaceVersionsTest, WhatIsCarriedOutTogetherTouchesOnlyItsOwn) {
  const std::string seen = tag("/services");
  gateway.held = true;
  // The first is carried out alone; those that come meanwhile are taken together.
  admin::FakeStream first(reactor, "POST", "/team/services", R"({"name":"a","url":"http://x.test"})");
  admin::FakeStream makes(reactor, "POST", "/team/services", R"({"name":"t","url":"http://x.test"})");
  admin::FakeStream removes(reactor, "DELETE", "/team/services/t", {});
  admin::FakeStream guarded(reactor, "POST", "/services", R"({"name":"own","url":"http://x.test"})");
  guarded.request().headers.add("If-Match", seen);
  std::vector<rt::Task<void>> tasks;
  for (admin::FakeStream* stream : {&first, &makes, &removes, &guarded}) {
    stream->request().headers.add("Content-Type", "application/json");
    tasks.push_back(server.handle(*stream));
  }
  for (auto& task : tasks) task.start();
  gateway.held = false;
  rt::turn_until(reactor, [&] { return std::ranges::all_of(tasks, [](const auto& task) { return task.ready(); }); });
  EXPECT_EQ(guarded.status, 201) << guarded.text;
  EXPECT_EQ(removes.status, 204) << removes.text;
}

TEST_F(WorkspaceVersionsTest, RowsMadeAndRemovedTogetherTouchNoOtherWorkspace) {
  const std::string seen = tag("/services");
  gateway.held = true;
  admin::FakeStream first(reactor, "POST", "/team/services", R"({"name":"a","url":"http://x.test"})");
  admin::FakeStream makes(reactor, "POST", "/team/services", R"({"name":"t","url":"http://x.test"})");
  admin::FakeStream removes(reactor, "DELETE", "/team/services/t", {});
  std::vector<rt::Task<void>> tasks;
  for (admin::FakeStream* stream : {&first, &makes, &removes}) {
    stream->request().headers.add("Content-Type", "application/json");
    tasks.push_back(server.handle(*stream));
  }
  for (auto& task : tasks) task.start();
  gateway.held = false;
  rt::turn_until(reactor, [&] { return std::ranges::all_of(tasks, [](const auto& task) { return task.ready(); }); });
  EXPECT_EQ(removes.status, 204) << removes.text;
  EXPECT_EQ(get("/team/services/t")->status, 404);
  EXPECT_EQ(tag("/services"), seen);
}

TEST_F(WorkspaceVersionsTest, WhatAllShareChangesAll) {
  const std::string before = tag("/team/services");
  EXPECT_EQ(post("/licenses", R"({"payload":"x"})")->status, 201);
  EXPECT_NE(tag("/team/services"), before);
}

TEST(WorkspaceVersions, AreTheStoresOwnAfterAStart) {
  const entity::Catalog catalog(entity::test_plugins());
  const Uuid team = *Uuid::parse("11111111-1111-4111-8111-111111111111");
  WorkspaceVersions versions(catalog, {1, 9});
  EXPECT_EQ(versions.of(team), (store::Version{1, 9})) << "nothing better is known";
  versions.reset({{"services", team, {1, 4}}, {"services", {}, {1, 7}}}, {1, 9});
  EXPECT_EQ(versions.of(team), (store::Version{1, 4}));
  EXPECT_EQ(versions.of({}), (store::Version{1, 7}));
  versions.note("licenses", {}, {1, 10});
  EXPECT_EQ(versions.of(team), (store::Version{1, 10}));
}

}  // namespace
}  // namespace sluice::control::publish
