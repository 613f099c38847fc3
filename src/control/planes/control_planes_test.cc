// SPDX-License-Identifier: Apache-2.0
#include "control/planes/control_planes.h"

#include <gmock/gmock.h>

#include "control/planes/planes_fixture.h"
#include "net/tls/self_signed.h"

namespace sluice::control::planes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ControlPlanesTest : public testing::Test {
 protected:
  void SetUp() override { process = std::make_unique<TestProcess>(folder.path(), reactor); }

  void restart() {
    process.reset();
    process = std::make_unique<TestProcess>(folder.path(), reactor);
  }
  bool until(const std::function<bool()>& holds) { return rt::turn_until(reactor, holds); }

  store::TempFolder folder;
  rt::Reactor reactor;
  std::unique_ptr<TestProcess> process;
};

constexpr const char* kService = R"({"id":"11111111-1111-4111-8111-111111111111","name":"s","host":"h.test"})";

TEST_F(ControlPlanesTest, TheDefaultOneIsThereFromTheBeginningAndKeepsItsId) {
  const Uuid id = process->planes.local().id();
  EXPECT_EQ(process->planes.book().find(id)->name, "default");
  restart();
  EXPECT_EQ(process->planes.local().id(), id);
}

TEST_F(ControlPlanesTest, OneUuidMayLiveInEachOfThem) {
  const Uuid a = process->create("a");
  const Uuid b = process->create("b");
  EXPECT_EQ(process->put(a, "services", kService), "");
  EXPECT_EQ(process->put(b, "services", kService), "");
  EXPECT_EQ(process->put(process->planes.local().id(), "services", kService), "");
  EXPECT_THAT(process->names(a, "services"), ElementsAre("s"));
}

TEST_F(ControlPlanesTest, NothingOfOneShowsInAnother) {
  const Uuid a = process->create("a");
  const Uuid b = process->create("b");
  EXPECT_EQ(process->put(a, "services", kService), "");
  EXPECT_THAT(process->names(b, "services"), IsEmpty());
  EXPECT_THAT(process->names(process->planes.local().id(), "services"), IsEmpty());
  EXPECT_THAT(process->gateway.deltas, IsEmpty());
}

TEST_F(ControlPlanesTest, AllComesBackAfterARestart) {
  const Uuid a = process->create("a");
  EXPECT_EQ(process->put(a, "services", kService), "");
  restart();
  ASSERT_TRUE(until([&] { return process->planes.find(a) != nullptr; }));
  EXPECT_EQ(process->planes.find(a)->profile().name, "a");
  EXPECT_THAT(process->names(a, "services"), ElementsAre("s"));
}

TEST_F(ControlPlanesTest, WhatNobodyCouldServeIsRefusedWithoutAGateway) {
  const Uuid a = process->create("a");
  process->compilers.back()->problems = {
      {"services", *Uuid::parse("11111111-1111-4111-8111-111111111111"), "host", "does not compile"}};
  EXPECT_THAT(process->put(a, "services", kService), HasSubstr("does not compile"));
  EXPECT_THAT(process->names(a, "services"), IsEmpty());
}

TEST_F(ControlPlanesTest, NamesAreTakenOnce) {
  process->create("a");
  PlaneProfile same;
  same.name = "a";
  const auto again = rt::run(reactor, process->planes.create(same, "tester"));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::Conflict);
}

TEST_F(ControlPlanesTest, ADeletedOneTakesEverythingWithIt) {
  const Uuid a = process->create("a");
  EXPECT_EQ(process->put(a, "services", kService), "");
  store::expect(rt::run(reactor, process->planes.remove(a, "tester")));
  EXPECT_EQ(process->planes.find(a), nullptr);
  const auto heads = store::expect(process->durable.blocking().heads());
  EXPECT_FALSE(heads.contains(a.to_string()));
  const Uuid other = process->create("other");
  EXPECT_THAT(process->names(other, "services"), IsEmpty());
}

TEST_F(ControlPlanesTest, TheDefaultOneStays) {
  const auto removed = rt::run(reactor, process->planes.remove(process->planes.local().id(), "tester"));
  ASSERT_FALSE(removed.has_value());
  EXPECT_EQ(removed.error().code, Errc::Forbidden);
}

TEST_F(ControlPlanesTest, AReplicaSeesWhatIsMadeWrittenAndDeleted) {
  TestProcess replica(folder.path(), reactor);
  const Uuid a = process->create("a");
  ASSERT_TRUE(until([&] { return replica.planes.find(a) != nullptr; }));
  EXPECT_EQ(process->put(a, "services", kService), "");
  ASSERT_TRUE(until([&] { return !replica.names(a, "services").empty(); }));
  EXPECT_EQ(replica.put(a, "services", R"({"name":"t","host":"t.test"})"), "");
  ASSERT_TRUE(until([&] { return process->names(a, "services").size() == 2; }));
  store::expect(rt::run(reactor, replica.planes.remove(a, "tester")));
  EXPECT_TRUE(until([&] { return process->planes.find(a) == nullptr; }));
}

TEST_F(ControlPlanesTest, ALeaseOutlivesTheDeletion) {
  const Uuid a = process->create("a");
  PlaneLease lease = process->planes.lease(a);
  store::expect(rt::run(reactor, process->planes.remove(a, "tester")));
  EXPECT_EQ(lease->profile().name, "a");
  lease = PlaneLease();
}

TEST_F(ControlPlanesTest, AWriteThatRacesTheDeletionIsToldThatThereIsNothing) {
  const Uuid a = process->create("a");
  const PlaneLease lease = process->planes.lease(a);
  store::expect(rt::run(reactor, process->planes.remove(a, "tester")));
  publish::Operation operation{.verb = publish::Verb::Replace, .type = process->catalog.find("services")};
  operation.document = entity::parse(kService);
  std::vector<publish::Operation> operations;
  operations.push_back(std::move(operation));
  const auto done =
      rt::run(reactor, lease->publisher().submit(publish::transaction(process->catalog, std::move(operations)), "t"));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().cause, publish::Refusal::Cause::Gone);
}

TEST_F(ControlPlanesTest, AnObserverHearsOfEachOneOnce) {
  struct Heard final : PlanesObserver {
    void opened(ControlPlane& plane) override { log += "+" + plane.profile().name; }
    void closing(ControlPlane& plane) override { log += "-" + plane.profile().name; }
    std::string log;
  } heard;
  process->planes.set_observer(&heard);
  const Uuid a = process->create("a");
  store::expect(rt::run(reactor, process->planes.remove(a, "tester")));
  EXPECT_EQ(heard.log, "+default+a-a");
  process->planes.set_observer(nullptr);
}

TEST_F(ControlPlanesTest, CertificatesAreFoundByFingerprintAndGoWithTheirControlPlane) {
  const Uuid a = process->create("a");
  auto made = PinnedCertificate::of(a, "mine", store::expect(net::tls::make_self_signed({"dp.test"})).certificate);
  ASSERT_TRUE(made.has_value()) << made.error().what;
  store::expect(rt::run(reactor, process->planes.pin(*made, "tester")));
  EXPECT_EQ(process->planes.certificates(a).size(), 1U);
  EXPECT_EQ(process->planes.book().find_by_fingerprint(made->fingerprint).at(0).control_plane, a);
  PinnedCertificate other = *made;
  other.control_plane = process->planes.local().id();
  EXPECT_EQ(rt::run(reactor, process->planes.pin(other, "tester")).error().code, Errc::Conflict);
  made->id = Uuid::random();
  EXPECT_EQ(rt::run(reactor, process->planes.pin(*made, "tester")).error().code, Errc::Conflict);
  store::expect(rt::run(reactor, process->planes.remove(a, "tester")));
  EXPECT_THAT(process->planes.book().find_by_fingerprint(made->fingerprint), IsEmpty());
}

// Groups
// -------------------------------------------------------------------------------------------------------------------

class GroupTest : public ControlPlanesTest {
 protected:
  void SetUp() override {
    ControlPlanesTest::SetUp();
    a = process->create("a");
    b = process->create("b");
    group = process->create("group", kGroupType);
  }
  Result<> set_members(std::vector<Uuid> members) {
    return rt::run(reactor,
                   process->planes.change_members(group, [&](std::vector<Uuid>& now) { now = members; }, "tester"));
  }

  Uuid a, b, group;
};

TEST_F(GroupTest, ShowsWhatItsMembersHaveAndFollowsThem) {
  EXPECT_EQ(process->put(a, "services", R"({"name":"sa","host":"h.test"})"), "");
  store::expect(set_members({a, b}));
  ASSERT_TRUE(until([&] { return process->names(group, "services") == std::vector<std::string>{"sa"}; }));
  EXPECT_EQ(process->put(b, "services", R"({"name":"sb","host":"h.test"})"), "");
  ASSERT_TRUE(until([&] { return process->names(group, "services") == std::vector<std::string>({"sa", "sb"}); }));
  const store::Version before = process->planes.find(group)->publisher().version();
  store::expect(set_members({b}));
  ASSERT_TRUE(until([&] { return process->names(group, "services") == std::vector<std::string>{"sb"}; }));
  EXPECT_LT(before, process->planes.find(group)->publisher().version());
}

TEST_F(GroupTest, ComesBackWithTheSameVersionAfterARestart) {
  store::expect(set_members({a, b}));
  EXPECT_EQ(process->put(b, "services", R"({"name":"sb","host":"h.test"})"), "");
  ASSERT_TRUE(until([&] { return !process->names(group, "services").empty(); }));
  const store::Version before = process->planes.find(group)->publisher().version();
  restart();
  ASSERT_TRUE(
      until([&] { return process->planes.find(group) != nullptr && !process->names(group, "services").empty(); }));
  EXPECT_EQ(process->planes.find(group)->publisher().version(), before);
}

TEST_F(GroupTest, IsAnnouncedWithWhatItsMembersHave) {
  store::expect(set_members({a, b}));
  EXPECT_EQ(process->put(b, "services", R"({"name":"sb","host":"h.test"})"), "");
  ASSERT_TRUE(until([&] { return !process->names(group, "services").empty(); }));
  const store::Version before = process->planes.find(group)->publisher().version();
  struct Heard final : PlanesObserver {
    void opened(ControlPlane& plane) override {
      if (!plane.is_group()) return;
      version = plane.publisher().version();
      rows = plane.store().table("services").rows().size();
    }
    void closing(ControlPlane&) override {}
    store::Version version;
    std::size_t rows = 0;
  } heard;
  restart();
  process->planes.set_observer(&heard);
  ASSERT_TRUE(until([&] { return process->planes.find(group) != nullptr; }));
  process->planes.set_observer(nullptr);
  EXPECT_EQ(heard.version, before);
  EXPECT_EQ(heard.rows, 1U);
}

TEST_F(GroupTest, AMemberCannotTakeWhatAnotherHas) {
  store::expect(set_members({a, b}));
  EXPECT_EQ(process->put(a, "services", kService), "");
  EXPECT_THAT(process->put(b, "services", R"({"name":"s","host":"other.test"})"),
              HasSubstr("another member of a control plane group has name=s already"));
  EXPECT_THAT(process->put(b, "services", kService), HasSubstr("already"));
  EXPECT_EQ(process->put(a, "plugins", R"({"name":"key-auth"})"), "");
  EXPECT_THAT(process->put(b, "plugins", R"({"name":"key-auth"})"), HasSubstr("already"));
  EXPECT_THAT(*process->planes.clashes(group), IsEmpty());
}

TEST_F(GroupTest, TwoThatWantTheSameAtOnceDoNotBothGetIt) {
  store::expect(set_members({a, b}));
  const auto want = [&](const Uuid& plane) {
    publish::Operation operation{.verb = publish::Verb::Replace, .type = process->catalog.find("services")};
    operation.document = entity::parse(R"({"name":"both","host":"h.test"})");
    std::vector<publish::Operation> operations;
    operations.push_back(std::move(operation));
    return process->planes.find(plane)->publisher().submit(
        publish::transaction(process->catalog, std::move(operations)), "tester");
  };
  auto first = want(a);
  auto second = want(b);
  first.start();
  second.start();
  ASSERT_TRUE(until([&] { return first.ready() && second.ready(); }));
  EXPECT_NE(first.take().has_value(), second.take().has_value());
}

TEST_F(GroupTest, ThoseThatClashCannotBecomeMembersTogether) {
  EXPECT_EQ(process->put(a, "services", kService), "");
  EXPECT_EQ(process->put(b, "services", R"({"name":"s","host":"other.test"})"), "");
  const auto done = set_members({a, b});
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::Invalid);
  EXPECT_THAT(done.error().what, HasSubstr("name=s"));
}

TEST_F(GroupTest, GroupsAndStrangersCannotBeMembers) {
  EXPECT_FALSE(set_members({group}).has_value());
  EXPECT_FALSE(set_members({Uuid::random()}).has_value());
}

TEST_F(GroupTest, ADeletedMemberLeaves) {
  EXPECT_EQ(process->put(a, "services", kService), "");
  store::expect(set_members({a, b}));
  store::expect(rt::run(reactor, process->planes.remove(a, "tester")));
  EXPECT_THAT(process->planes.book().find(group)->members, ElementsAre(b));
  EXPECT_TRUE(until([&] { return process->names(group, "services").empty(); }));
}

}  // namespace
}  // namespace sluice::control::planes
