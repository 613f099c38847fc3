// SPDX-License-Identifier: Apache-2.0
#include "control/planes/group.h"

#include <gmock/gmock.h>

#include "control/cluster/feed.h"
#include "control/iam/accounts.h"
#include "control/planes/planes_fixture.h"

// What a group shows is in control_planes_test.cc; here is by which versions, and how replicas agree about them.
namespace sluice::control::planes {
namespace {

using testing::Not;
using testing::SizeIs;

class GroupVersions : public testing::Test {
 protected:
  void SetUp() override {
    process = std::make_unique<TestProcess>(folder.path(), reactor);
    a = process->create("a");
    b = process->create("b");
    group = process->create("group", kGroupType);
    set_members({a, b});
    ASSERT_TRUE(process->put(a, "services", service("first")).empty());
    ASSERT_TRUE(until_shown(*process, 1));
  }
  void set_members(std::vector<Uuid> members) {
    store::expect(rt::run(
        reactor, process->planes.change_members(group, [&](std::vector<Uuid>& now) { now = members; }, "tester")));
  }
  static std::string service(const std::string& name) { return R"({"host":"h.test","name":")" + name + "\"}"; }
  bool until_shown(TestProcess& in, std::size_t services) {
    return rt::turn_until(
        reactor, [&] { return in.planes.find(group) != nullptr && in.names(group, "services").size() == services; });
  }
  store::Version version(TestProcess& in) const { return in.planes.find(group)->publisher().version(); }
  void let_pass(int turns) {
    for (int i = 0; i < turns; ++i) reactor.run_once(5);
  }
  /// What another replica sees of the versions.
  std::unique_ptr<GroupLog> another_log() {
    auto opened = store::expect(rt::run(reactor, process->durable.another(GroupLog::store_name(group))));
    auto log = std::make_unique<GroupLog>(group, std::move(opened),
                                          [this](const Uuid& id) { return process->planes.lease(id); });
    store::expect(rt::run(reactor, log->catch_up()));
    return log;
  }

  store::TempFolder folder;
  rt::Reactor reactor;
  std::unique_ptr<TestProcess> process;
  Uuid a, b, group;
};

TEST_F(GroupVersions, GrowByOneWithEachStep) {
  const store::Version before = version(*process);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(process->put(i % 2 == 0 ? a : b, "services", service("s" + std::to_string(i))).empty());
    ASSERT_TRUE(until_shown(*process, 1 + i));
    EXPECT_EQ(version(*process), (store::Version{before.epoch, before.number + i}));
  }
}

TEST_F(GroupVersions, AreTheSameForTheSameAtAllReplicas) {
  TestProcess replica(folder.path(), reactor);
  ASSERT_TRUE(until_shown(replica, 1));
  EXPECT_EQ(version(replica), version(*process));
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i);
    ASSERT_TRUE(process->put(a, "services", service("a" + name)).empty());
    ASSERT_TRUE(replica.put(b, "services", service("b" + name)).empty());
  }
  ASSERT_TRUE(until_shown(*process, 21));
  ASSERT_TRUE(until_shown(replica, 21));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return version(*process) == version(replica); }));
  EXPECT_EQ(another_log()->version(), version(replica));
}

TEST_F(GroupVersions, AReplicaThatLacksAStepOfAnyMemberShowsNothingNewerUntilItHasIt) {
  const auto other = another_log();
  GroupReach ahead = other->newest()->reach;
  ++ahead.members.at(a).number;  // which has not come here yet
  ASSERT_TRUE(store::expect(rt::run(reactor, other->record(ahead, false))));
  const store::Version before = version(*process);

  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(process->put(b, "services", service("b" + std::to_string(i))).empty());
  }
  let_pass(20);
  EXPECT_EQ(version(*process), before) << "though it has more steps in all";
  EXPECT_THAT(process->names(group, "services"), SizeIs(1));

  ASSERT_TRUE(process->put(a, "services", service("missed")).empty());
  ASSERT_TRUE(until_shown(*process, 7));
  EXPECT_GT(version(*process), other->version());
}

TEST_F(GroupVersions, OthersMembersAreWaitedForToo) {
  const auto other = another_log();
  GroupReach ahead = other->newest()->reach;
  ahead.list.number += 3;  // as change_members() counts: one, and the epochs of both
  ahead.members.erase(b);
  ASSERT_TRUE(store::expect(rt::run(reactor, other->record(ahead, false))));
  const store::Version before = version(*process);
  ASSERT_TRUE(process->put(b, "services", service("b")).empty());
  let_pass(20);
  EXPECT_EQ(version(*process), before);
  set_members({a});
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return version(*process) != before; }));
  EXPECT_EQ(version(*process), other->version()) << "the very state that the other one has";
}

TEST_F(GroupVersions, GoOnWhereABackupBringsBackAnOlderList) {
  const std::string backup = folder.path() + "/backup";
  ASSERT_TRUE(process->put(b, "services", service("b")).empty());
  ASSERT_TRUE(until_shown(*process, 2));
  store::expect(process->durable.blocking().backup(backup, store::WithKey::No));
  set_members({a});
  ASSERT_TRUE(until_shown(*process, 1));
  const store::Version before = version(*process);

  store::expect(process->durable.blocking().restore(backup));
  ASSERT_TRUE(until_shown(*process, 2)) << "though it remembers a longer list of members";
  EXPECT_GT(version(*process), before);
  ASSERT_TRUE(process->put(b, "services", service("more")).empty());
  EXPECT_TRUE(until_shown(*process, 3));
}

TEST_F(GroupVersions, NeverStandForAPartOfTheMembers) {
  const std::string backup = folder.path() + "/backup";
  const Uuid c = process->create("c");
  ASSERT_TRUE(process->put(c, "services", service("c")).empty());
  set_members({a, c});
  ASSERT_TRUE(until_shown(*process, 2));
  store::expect(process->durable.blocking().backup(backup, store::WithKey::No));
  store::expect(rt::run(reactor, process->planes.remove(c, "tester")));
  const Uuid d = process->create("d");
  set_members({a, d});
  ASSERT_TRUE(until_shown(*process, 1));

  // One of the members that are open goes, and one comes that is not open yet.
  store::expect(process->durable.blocking().restore(backup));
  const auto rows = store::expect(process->durable.blocking().another(GroupLog::store_name(group)));
  const store::Version restored = store::expect(rows->head());
  ASSERT_TRUE(until_shown(*process, 2));
  EXPECT_EQ(process->planes.find(d), nullptr);
  const store::LogPart part = store::expect(rows->read_log(restored, 1'000));
  EXPECT_THAT(part.entries, Not(SizeIs(0)));
  for (const store::LogEntry& entry : part.entries) {
    EXPECT_THAT(store::expect(GroupState::parse(*entry.document)).reach.members, SizeIs(2)) << *entry.document;
  }
}

TEST_F(GroupVersions, WhatCannotBeShownForLongIsNotHeapedUp) {
  const auto other = another_log();
  GroupReach ahead = other->newest()->reach;
  ++ahead.members.at(a).number;
  ASSERT_TRUE(store::expect(rt::run(reactor, other->record(ahead, false))));
  constexpr std::size_t kMany = 5'000;
  std::vector<publish::Operation> operations;
  for (std::size_t i = 0; i < kMany; ++i) {
    publish::Operation operation{.verb = publish::Verb::Create, .type = process->catalog.find("services")};
    operation.document = entity::parse(service("b" + std::to_string(i)));
    operations.push_back(std::move(operation));
  }
  auto change = publish::transaction(process->catalog, std::move(operations));
  ASSERT_TRUE(rt::run(reactor, process->planes.find(b)->publisher().submit(std::move(change), "tester")));
  let_pass(20);
  EXPECT_THAT(process->names(group, "services"), SizeIs(1));
  ASSERT_TRUE(process->put(a, "services", service("missed")).empty());
  EXPECT_TRUE(until_shown(*process, kMany + 2));
}

TEST_F(GroupVersions, LeadOnByDeltaAfterARestart) {
  const store::Version before = version(*process);
  ASSERT_TRUE(process->put(a, "services", service("s1")).empty());
  ASSERT_TRUE(process->put(b, "services", service("s2")).empty());
  ASSERT_TRUE(until_shown(*process, 3));
  const store::Version newest = version(*process);
  process.reset();
  process = std::make_unique<TestProcess>(folder.path(), reactor);
  ASSERT_TRUE(until_shown(*process, 3));
  ASSERT_EQ(version(*process), newest) << "who has that is sent nothing";

  ControlPlane& plane = *process->planes.find(group);
  cluster::Feed feed(plane.store(), {.kong = {3, 10, 0}, .sluice = {0, 1, 0}});
  feed.start(newest);
  EXPECT_FALSE(feed.knows(before));
  ASSERT_NE(plane.history(), nullptr);
  feed.prepend(store::expect(rt::run(reactor, plane.history()->read_touched(before, 100))), before);
  const auto step = feed.since(before);
  ASSERT_TRUE(step);
  EXPECT_THAT(step->upserts, SizeIs(2));
}

TEST_F(GroupVersions, GoWithTheGroup) {
  store::expect(rt::run(reactor, process->planes.remove(group, "tester")));
  EXPECT_FALSE(store::expect(process->durable.blocking().heads()).contains(GroupLog::store_name(group)));
  let_pass(5);
}

TEST_F(GroupVersions, AreNothingThatAnAuditShows) {
  store::TrailQuery query{.limit = 100};
  query.without_author = iam::Accounts::kUse;
  for (const auto& entry : store::expect(process->durable.blocking().trail(query)).entries) {
    EXPECT_NE(entry.control_plane, GroupLog::store_name(group)) << entry.what.type;
  }
}

}  // namespace
}  // namespace sluice::control::planes
