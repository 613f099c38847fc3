// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "control/platform/history_view.h"
#include "control/platform/platform_fixture.h"

namespace sluice::control::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSecretConsumer = "99999999-0000-4000-8000-000000000001";

class HistoryTest : public PlatformTest {
 protected:
  /// `PUT` of an entity by its name; the answer was good.
  void put(const std::string& path, const std::string& json) {
    const auto sent = send("PUT", local() + "/core-entities" + path, json);
    EXPECT_LT(sent->status, 300) << sent->text;
  }
  void remove(const std::string& path) {
    EXPECT_EQ(send("DELETE", local() + "/core-entities" + path)->status, 204) << path;
  }
  [[nodiscard]] std::string versions(const std::string& rest = {}) const { return local() + "/versions" + rest; }

  /// `1.3 create services/a`, with the first row of each version.
  std::vector<std::string> listed(const std::string& query = {}) {
    std::vector<std::string> lines;
    const Json body = get(versions(query))->json();
    for (const Json& version : body.find("data")->as_array()) {
      const Json& row = version.find("changes")->as_array().at(0);
      lines.push_back(text(version, "id") + " " + text(row, "action") + " " + text(row, "type") + "/" +
                      text(row, "name"));
    }
    return lines;
  }
  static std::string text(const Json& object, std::string_view member) { return object.find(member)->as_string(); }
};

TEST_F(HistoryTest, EveryWriteIsAVersionWithWhoAndWhat) {
  put("/services/a", R"({"host":"one.test"})");
  put("/services/a", R"({"host":"two.test"})");
  put("/routes/r", R"({"paths":["/r"],"service":{"name":"a"}})");
  remove("/routes/r");
  EXPECT_THAT(listed(), ElementsAre("1.4 delete routes/r", "1.3 create routes/r", "1.2 update services/a",
                                    "1.1 create services/a"));
  const Json newest = get(versions("/latest"))->json();
  EXPECT_EQ(text(newest, "id"), "1.4");
  EXPECT_TRUE(newest.find("current")->as_bool());
  EXPECT_EQ(text(newest, "actor"), "local");
  EXPECT_EQ(newest.find("summary")->find("deleted")->as_int(), 1);
  EXPECT_TRUE(newest.find("restored_from")->is_null());
  EXPECT_EQ(get(versions("/1.9"))->status, 404);
  EXPECT_EQ(get(versions("/nonsense"))->status, 404);
}

TEST_F(HistoryTest, AnImportThatChangesNothingMakesNoVersion) {
  constexpr std::string_view kState = R"({"upsert":{
      "services":[{"name":"a","host":"one.test","tags":["x"]}],
      "routes":[{"name":"r","paths":["/r"],"service":"a"}],
      "plugins":[{"name":"key-auth","service":"a"}],
      "consumers":[{"username":"ann"}]}})";
  const auto import = [&](std::string_view state) {
    const auto sent = send("POST", local() + "/core-entities/batch", state);
    EXPECT_EQ(sent->status, 200) << sent->text;
    return sent->json();
  };
  EXPECT_EQ(text(import(kState), "version"), "1.1");
  const Json again = import(kState);
  EXPECT_EQ(text(again, "version"), "1.1");
  EXPECT_TRUE(again.find("upserted")->as_object().empty());
  EXPECT_EQ(get(versions())->json().find("data")->as_array().size(), 1U);
  std::string other(kState);
  other.replace(other.find("one.test"), 3, "two");
  EXPECT_EQ(text(import(other), "version"), "1.2");
  EXPECT_THAT(listed(), ElementsAre("1.2 update services/a", testing::StartsWith("1.1 create")));
}

TEST_F(HistoryTest, ListsGoInPagesAndByFilters) {
  for (const char* name : {"a", "b", "c"}) put(std::string("/services/") + name, R"({"host":"h.test"})");
  put("/consumers/ann", R"({"custom_id":"c-1"})");
  put("/services/b", R"({"host":"changed.test"})");
  const Json first = get(versions("?page[size]=2"))->json();
  EXPECT_EQ(first.find("data")->as_array().size(), 2U);
  EXPECT_THAT(listed("?page[size]=9&page[after]=" + text(*first.find("meta")->find("page"), "next")),
              ElementsAre("1.3 create services/c", "1.2 create services/b", "1.1 create services/a"));
  EXPECT_THAT(listed("?filter[type]=consumers"), ElementsAre("1.4 create consumers/ann"));
  EXPECT_THAT(listed("?filter[text]=CHANGED"), ElementsAre("1.5 update services/b"));
  EXPECT_THAT(listed("?filter[actor]=somebody"), ElementsAre());
  const std::string id = text(get(local() + "/core-entities/services/b")->json(), "id");
  EXPECT_THAT(listed("?filter[type]=services&filter[entity_id]=" + id),
              ElementsAre("1.5 update services/b", "1.2 create services/b"));
  EXPECT_EQ(get(versions("?filter[entity_id]=" + id))->status, 400);
  EXPECT_EQ(get(versions("?page[after]=x"))->status, 400);
}

TEST_F(HistoryTest, TwoVersionsAreComparedSideBySide) {
  put("/services/a", R"({"host":"one.test"})");
  put("/services/b", R"({"host":"b.test"})");
  put("/services/a", R"({"host":"two.test"})");
  const Json own = get(versions("/1.3/changes"))->json();
  ASSERT_EQ(own.find("data")->as_array().size(), 1U);
  EXPECT_EQ(text(*own.find("data")->as_array()[0].find("before"), "host"), "one.test");
  EXPECT_EQ(text(*own.find("data")->as_array()[0].find("after"), "host"), "two.test");
  EXPECT_EQ(text(*own.find("meta"), "from"), "1.2");
  EXPECT_EQ(get(versions("/1.3/changes?since=1.1"))->json().find("data")->as_array().size(), 2U);
  const Json back = get(versions("/1.1/changes?since=latest"))->json();
  std::vector<std::string> actions;
  for (const Json& row : back.find("data")->as_array())
    actions.push_back(text(row, "action") + " " + text(row, "name"));
  EXPECT_THAT(actions, testing::UnorderedElementsAre("update a", "delete b"));
  const Json page = get(versions("/1.3/changes?since=1.1&page[size]=1"))->json();
  EXPECT_EQ(page.find("data")->as_array().size(), 1U);
  const std::string next = text(*page.find("meta")->find("page"), "next");
  EXPECT_EQ(get(versions("/1.3/changes?since=1.1&page[after]=" + next))->json().find("data")->as_array().size(), 1U);
}

TEST_F(HistoryTest, AnOlderVersionIsRestoredAsANewOne) {
  put("/services/a", R"({"host":"one.test"})");
  put("/routes/r", R"({"paths":["/r"],"service":{"name":"a"}})");
  put("/consumers/ann", "{}");
  put("/consumers/ann/key-auth/" + std::string(kSecretConsumer), R"({"key":"k-1"})");
  put("/services/a", R"({"host":"two.test"})");
  remove("/routes/r");
  remove("/consumers/ann");
  put("/services/new", R"({"host":"new.test"})");
  const Json plan = send("POST", versions("/1.4/restore"), R"({"dry_run":true})")->json();
  EXPECT_TRUE(plan.find("dry_run")->as_bool());
  EXPECT_EQ(plan.find("change_count")->as_int(), 5) << to_json(plan);
  EXPECT_EQ(plan.find("changes")->as_array().size(), 5U);
  EXPECT_EQ(get(versions())->json().find("data")->as_array().size(), 8U);

  const auto restored = send("POST", versions("/1.4/restore"));
  ASSERT_EQ(restored->status, 200) << restored->text;
  EXPECT_EQ(text(restored->json(), "version"), "1.9");
  EXPECT_EQ(text(get(local() + "/core-entities/services/a")->json(), "host"), "one.test");
  EXPECT_EQ(get(local() + "/core-entities/routes/r")->status, 200);
  EXPECT_EQ(get(local() + "/core-entities/services/new")->status, 404);
  EXPECT_THAT(get(local() + "/core-entities/key-auths/" + std::string(kSecretConsumer))->text, HasSubstr("k-1"));
  const Json newest = get(versions("/latest"))->json();
  EXPECT_EQ(text(newest, "restored_from"), "1.4");
  EXPECT_EQ(newest.find("change_count")->as_int(), 5);

  // Back again, and what changes nothing makes no version.
  EXPECT_EQ(text(send("POST", versions("/1.8/restore"))->json(), "version"), "1.10");
  EXPECT_EQ(get(local() + "/core-entities/services/new")->status, 200);
  EXPECT_EQ(send("POST", versions("/1.8/restore"))->json().find("change_count")->as_int(), 0);
  EXPECT_EQ(text(get(versions("/latest"))->json(), "id"), "1.10");
}

TEST_F(HistoryTest, NoConcurrentChangeIsOverwrittenUnseen) {
  put("/services/a", R"({"host":"one.test"})");
  put("/services/a", R"({"host":"two.test"})");
  const std::string seen = send("POST", versions("/1.1/restore"), R"({"dry_run":true})")->header("ETag");
  ASSERT_NE(seen, "");
  put("/services/b", R"({"host":"b.test"})");
  const auto restore = [&](const std::string& etag) {
    admin::FakeStream stream(reactor, "POST", versions("/1.1/restore"), {});
    stream.request().headers.add("If-Match", etag);
    rt::Task<void> task = server.handle(stream);
    task.start();
    EXPECT_TRUE(rt::turn_until(reactor, [&] { return task.ready(); }));
    return stream.status;
  };
  EXPECT_EQ(restore(seen), 412);
  EXPECT_EQ(get(local() + "/core-entities/services/b")->status, 200);
  EXPECT_EQ(restore(get(versions())->header("ETag")), 200);
  EXPECT_EQ(get(local() + "/core-entities/services/b")->status, 404);
}

TEST_F(HistoryTest, ARestorationIsJudgedLikeAnyChange) {
  put("/services/a", R"({"host":"one.test"})");
  put("/routes/r", R"({"paths":["/r"],"service":{"name":"a"}})");
  put("/services/a", R"({"host":"two.test"})");
  process.gateway.problems = {{.type = "services",
                               .id = *Uuid::parse(text(get(local() + "/core-entities/services/a")->json(), "id")),
                               .field = "host",
                               .message = "cannot be served"}};
  const auto refused = send("POST", versions("/1.2/restore"));
  EXPECT_EQ(refused->status, 400);
  EXPECT_THAT(refused->text, HasSubstr(R"("field":"services[a].host")"));
  EXPECT_THAT(refused->text, HasSubstr("cannot be served"));
  process.gateway.problems.clear();
  EXPECT_EQ(text(get(local() + "/core-entities/services/a")->json(), "host"), "two.test");
  EXPECT_EQ(send("POST", versions("/1.2/restore"), R"({"dry_run":1,"more":2})")->status, 400);
  EXPECT_EQ(send("POST", versions("/1.77/restore"))->status, 404);
}

TEST_F(HistoryTest, AFileThatIsLoadedAgainTellsOnlyWhatItChanges) {
  const auto load = [&](const std::string& host) {
    const std::string file = R"({"_format_version":"3.0","services":[{"name":"a","host":"a.test"},)"
                             R"({"name":"b","host":")" +
                             host + R"("}]})";
    auto change = publish::replacement(process.catalog, entity::parse(file), std::string(32, 'c'));
    const auto done = rt::run(reactor, process.publisher.load(std::move(change), "file"));
    EXPECT_TRUE(done.has_value());
  };
  load("one.test");
  load("one.test");
  load("two.test");
  EXPECT_EQ(get(versions("/1.1"))->json().find("change_count")->as_int(), 2);
  EXPECT_THAT(listed(), testing::SizeIs(2));
  EXPECT_EQ(listed().front().substr(listed().front().find(' ')), " update services/b");
}

TEST_F(HistoryTest, ControlPlanesHaveHistoriesOfTheirOwn) {
  const Uuid other = process.create("other");
  put("/services/a", R"({"host":"one.test"})");
  const std::string theirs = "/v2/control-planes/" + other.to_string() + "/versions";
  EXPECT_TRUE(get(theirs)->json().find("data")->as_array().empty());
  const Uuid group = process.create("group", planes::kGroupType);
  EXPECT_EQ(get("/v2/control-planes/" + group.to_string() + "/versions")->status, 404);
}

TEST_F(HistoryTest, ReadersSeeNoMoreSecretsHereThanElsewhere) {
  const Parts parts{.planes = process.planes,
                    .catalog = process.catalog,
                    .settings = settings,
                    .plugins = {},
                    .node = {},
                    .console = {}};
  store::RowDifference row;
  row.type = "keyauth_credentials";
  row.after = std::make_shared<const std::string>(R"({"id":"x","key":"top-secret"})");
  EXPECT_THAT(to_json(show(parts, {iam::Kind::Reader, "r"}, row)), Not(HasSubstr("top-secret")));
  EXPECT_THAT(to_json(show(parts, {iam::Kind::Administrator, "a"}, row)), HasSubstr("top-secret"));
}

}  // namespace
}  // namespace sluice::control::platform
