// SPDX-License-Identifier: Apache-2.0
#include "control/planes/group_log.h"

#include <gmock/gmock.h>

#include "control/planes/planes_fixture.h"

namespace sluice::control::planes {
namespace {

const Uuid kA = store::test_id(1);
const Uuid kB = store::test_id(2);

GroupReach reach(std::uint64_t list, std::map<Uuid, store::Version> members) {
  return {.list = {1, list}, .members = std::move(members)};
}

TEST(GroupReach, CoversWhatIsNotFurtherInAnyMember) {
  const GroupReach one = reach(1, {{kA, {1, 5}}, {kB, {1, 3}}});
  const GroupReach later = reach(1, {{kA, {1, 6}}, {kB, {1, 3}}});
  const GroupReach aside = reach(1, {{kA, {1, 4}}, {kB, {1, 90}}});
  EXPECT_TRUE(one.covers(one));
  EXPECT_TRUE(later.covers(one));
  EXPECT_FALSE(one.covers(later));
  EXPECT_FALSE(aside.covers(one)) << "however many steps it has in all";
  EXPECT_FALSE(one.covers(aside));
  EXPECT_TRUE(reach(1, {{kA, {2, 1}}, {kB, {1, 3}}}).covers(one)) << "a restored backup is later";
}

TEST(GroupReach, CoversOtherMembersOnlyWhereItsOwnAreLater) {
  const GroupReach both = reach(1, {{kA, {1, 5}}, {kB, {1, 3}}});
  const GroupReach one_left = reach(2, {{kA, {1, 5}}});
  EXPECT_TRUE(one_left.covers(both));
  EXPECT_FALSE(both.covers(one_left));
  EXPECT_FALSE(reach(2, {{kA, {1, 4}}}).covers(both)) << "the one that stayed has stepped back";
  EXPECT_FALSE(reach(1, {{kA, {1, 5}}}).covers(both));
  GroupReach restored = both;
  restored.list = {2, 0};
  EXPECT_TRUE(restored.covers(one_left)) << "a backup brought back an older list";
}

TEST(GroupState, SurvivesItsText) {
  const GroupState state{.reach = reach(7, {{kA, {1, 5}}, {kB, {2, 0}}}), .has_clashes = true};
  const auto read = store::expect(GroupState::parse(state.to_text()));
  EXPECT_EQ(read.reach, state.reach);
  EXPECT_TRUE(read.has_clashes);
  EXPECT_FALSE(GroupState::parse(R"({"format":1})"));
  EXPECT_FALSE(GroupState::parse(R"({"format":1,"members":{}})"));
  EXPECT_EQ(GroupState::parse(R"({"format":2,"members":{}})").error().code, Errc::Unsupported);
}

/// A group that is nobody's in the book, of one member that is.
class GroupLogTest : public testing::Test {
 protected:
  GroupLogTest() : process(folder.path(), reactor), member(process.create("member")), log(open()) {}

  std::unique_ptr<GroupLog> open() {
    auto opened = store::expect(rt::run(reactor, process.durable.another(GroupLog::store_name(group))));
    auto made = std::make_unique<GroupLog>(group, std::move(opened),
                                           [this](const Uuid& id) { return process.planes.lease(id); });
    store::expect(rt::run(reactor, made->catch_up()));
    return made;
  }
  GroupReach now(std::uint64_t list = 0) {
    return reach(list, {{member, process.planes.find(member)->publisher().version()}});
  }
  /// Writes one more entity, and makes a version of that.
  store::Version step(bool has_clashes = false) {
    const std::string name = "s" + std::to_string(++written);
    EXPECT_EQ(process.put(member, "services", R"({"host":"h.test","name":")" + name + "\"}"), "");
    EXPECT_TRUE(store::expect(rt::run(reactor, log->record(now(), has_clashes))));
    return log->version();
  }
  Result<store::LogPart> touched(const store::Version& after, std::size_t most = 100) {
    return rt::run(reactor, log->read_touched(after, most));
  }

  store::TempFolder folder;
  rt::Reactor reactor;
  TestProcess process;
  const Uuid group = Uuid::random();
  Uuid member;
  std::unique_ptr<GroupLog> log;
  int written = 0;
};

TEST_F(GroupLogTest, CountsVersionsOneByOneAndRemembersThem) {
  EXPECT_EQ(log->newest(), nullptr);
  EXPECT_EQ(step(), (store::Version{GroupLog::kEpochBase + 1, 1}));
  EXPECT_EQ(step(), (store::Version{GroupLog::kEpochBase + 1, 2}));
  const auto again = open();
  EXPECT_EQ(again->version(), log->version());
  EXPECT_EQ(again->newest()->reach, now());
}

TEST_F(GroupLogTest, LetsOnlyOneOfTwoReplicasMakeAVersion) {
  step();
  const auto other = open();
  step();
  EXPECT_FALSE(store::expect(rt::run(reactor, other->record(now(), false))));
  store::expect(rt::run(reactor, other->catch_up()));
  EXPECT_EQ(other->version(), log->version());
  EXPECT_EQ(other->newest()->reach, log->newest()->reach);
  EXPECT_TRUE(store::expect(rt::run(reactor, other->record(now(), false))));
}

TEST_F(GroupLogTest, TellsWhatItsMembersTouchedByItsOwnVersions) {
  const store::Version first = step();
  const store::Version second = step();
  EXPECT_EQ(process.put(member, "services", R"({"host":"h.test","name":"between"})"), "");
  const store::Version third = step();
  EXPECT_EQ(process.put(member, "services", R"({"host":"h.test","name":"later"})"), "");
  const auto part = store::expect(touched(first));
  EXPECT_EQ(part.reached, third);
  ASSERT_EQ(part.entries.size(), 3U);
  EXPECT_EQ(part.entries[0].version, second);
  EXPECT_EQ(part.entries[1].version, third);
  EXPECT_EQ(part.entries[2].version, third);
  EXPECT_TRUE(store::expect(touched(third)).entries.empty());
}

TEST_F(GroupLogTest, TellsNothingWhereMembersLogsDoNotSayAll) {
  const store::Version first = step();
  step(true);
  const store::Version clear = step();
  EXPECT_EQ(touched(first).error().code, Errc::NotFound) << "rows clashed";
  EXPECT_TRUE(touched(clear));
  step();
  step();
  EXPECT_EQ(touched(clear, 1).error().code, Errc::NotFound) << "too many rows";
  ASSERT_TRUE(store::expect(rt::run(reactor, log->record(now(1), false))));
  EXPECT_EQ(touched(clear).error().code, Errc::NotFound) << "other members";
  EXPECT_EQ(touched({first.epoch, 99}).error().code, Errc::NotFound) << "never was";
  EXPECT_EQ(touched({first.epoch, 0}).error().code, Errc::NotFound);
  EXPECT_EQ(touched({1, 1}).error().code, Errc::NotFound) << "from before there were such logs";
}

TEST_F(GroupLogTest, CountsOnFromGroupsWithoutALog) {
  ASSERT_TRUE(store::expect(rt::run(reactor, log->record(now(9), false))));
  EXPECT_LT((store::Version{9 + 1, 1U << 20U}), log->version()) << "made of the epochs of its members and of the list";
}

TEST_F(GroupLogTest, GoesOnlyForwardWhenABackupBringsBackLess) {
  const std::string backup = folder.path() + "/backup";
  step();
  store::expect(process.durable.blocking().backup(backup, store::WithKey::No));
  step();
  const store::Version newest = step();
  store::expect(process.durable.blocking().restore(backup));
  store::expect(rt::run(reactor, log->catch_up()));
  EXPECT_GT(log->version(), newest);
  EXPECT_EQ(open()->version(), log->version());
  EXPECT_EQ(touched(newest).error().code, Errc::NotFound);
}

TEST_F(GroupLogTest, LooksBackOnlySoFar) {
  const store::Version first = step();
  const std::string text = log->newest()->to_text();
  std::vector<store::Commit> steps(GroupLog::kMostStates);
  for (store::Commit& commit : steps) {
    commit.upserts = {{std::string(GroupLog::kRowType), group, std::make_shared<const std::string>(text), Uuid{}}};
  }
  const auto rows = store::expect(process.durable.blocking().another(GroupLog::store_name(group)));
  ASSERT_TRUE(rows->commit(store::expect(rows->head()), steps));
  store::expect(rt::run(reactor, log->catch_up()));
  EXPECT_EQ(log->version(), (store::Version{first.epoch, first.number + steps.size()}));
  EXPECT_EQ(touched(first).error().code, Errc::NotFound);
  EXPECT_EQ(store::expect(touched(first.next())).reached, log->version());
}

}  // namespace
}  // namespace sluice::control::planes
