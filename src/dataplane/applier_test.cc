// SPDX-License-Identifier: Apache-2.0
#include "dataplane/applier.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/folder_lock.h"
#include "dataplane/gateway_fixture.h"

namespace sluice::dataplane {
namespace {

using testing::HasSubstr;

class ApplierTest : public GatewayTest {
 protected:
  /// Service 1 and route 2, as version 5.
  void begin() {
    rows = {service(1, "one.test"), route(2, 1)};
    const auto refusal = apply_now(whole_of(rows, 5));
    ASSERT_FALSE(refusal.has_value()) << refusal->message;
  }
  std::vector<sync::EntityRow> rows;
};

TEST_F(ApplierTest, ServesAWholeConfiguration) {
  begin();
  EXPECT_EQ(gateway.rows.size(), 2U);
  EXPECT_EQ(gateway.hash, digest_of(rows));
  EXPECT_EQ(applier->standing().version, version(5));
}

TEST_F(ApplierTest, ServesAChange) {
  begin();
  auto changed = service(1, "two.test");
  const auto refusal = apply_now(change({changed}, {}, 5, {changed, rows[1]}));
  ASSERT_FALSE(refusal.has_value()) << refusal->message;
  EXPECT_THAT(served("services", 1), HasSubstr("two.test"));
  EXPECT_EQ(applier->standing().version, version(6));
}

TEST_F(ApplierTest, RemovesWhatAChangeTakesAway) {
  begin();
  const auto refusal = apply_now(change({}, {{"routes", numbered(2)}}, 5, {rows[0]}));
  ASSERT_FALSE(refusal.has_value()) << refusal->message;
  EXPECT_EQ(gateway.rows.size(), 1U);
}

TEST_F(ApplierTest, DocumentsThatItKnowsWhollyAreSharedNotCopied) {
  begin();
  const HeldRow* held = applier->state().rows.find("services", numbered(1));
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->received, held->served);
  EXPECT_EQ(held->received, rows[0].document);
}

TEST_F(ApplierTest, KnowsAfterARestartWhatItServed) {
  begin();
  restart();
  EXPECT_EQ(applier->standing().version, version(5));
  EXPECT_EQ(applier->standing().control_plane, kControlPlane);
  EXPECT_EQ(served("services", 1), *rows[0].document);
  const auto refusal = apply_now(change({}, {{"routes", numbered(2)}}, 5, {rows[0]}));
  EXPECT_FALSE(refusal.has_value());
}

TEST_F(ApplierTest, RefusesAChangeOfAnotherVersion) {
  begin();
  const auto refusal = apply_now(change({service(1, "x.test")}, {}, 6, rows));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, Refusal::Kind::OutOfOrder);
  EXPECT_EQ(applier->standing().version, version(5));
}

TEST_F(ApplierTest, RefusesWhatDoesNotMeetItsDigest) {
  begin();
  auto incoming = change({service(1, "two.test")}, {}, 5, rows);  // the digest of the rows before
  const auto refusal = apply_now(std::move(incoming));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, Refusal::Kind::WrongDigest);
  EXPECT_THAT(served("services", 1), HasSubstr("one.test"));
}

TEST_F(ApplierTest, NeverGoesBackWithinAnEpoch) {
  begin();
  const auto refusal = apply_now(whole_of({service(1, "old.test")}, 4));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, Refusal::Kind::Stale);
  EXPECT_EQ(applier->standing().version, version(5));
}

TEST_F(ApplierTest, FollowsARestoredBackupIntoItsEpoch) {
  begin();
  EXPECT_FALSE(apply_now(whole_of({service(1, "old.test")}, 3, 2)).has_value());
  EXPECT_EQ(applier->standing().version, version(3, 2));
}

TEST_F(ApplierTest, RefusesADanglingReferenceAndSaysWhichEntityItIs) {
  begin();
  auto dangling = route(3, 99, "/dangling");
  const auto refusal = apply_now(change({dangling}, {}, 5, {rows[0], rows[1], dangling}));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, Refusal::Kind::Invalid);
  EXPECT_THAT(refusal->message, HasSubstr("which does not exist"));
  const std::string errors = to_json(refusal->errors);
  EXPECT_THAT(errors, HasSubstr(R"("entity_type":"route")"));
  EXPECT_THAT(errors, HasSubstr(numbered(3).to_string()));
  EXPECT_THAT(errors, HasSubstr(R"("field":"service")"));
}

TEST_F(ApplierTest, RefusesToRemoveWhatIsReferredTo) {
  begin();
  const auto refusal = apply_now(change({}, {{"services", numbered(1)}}, 5, {rows[1]}));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_THAT(refusal->message, HasSubstr("which is removed"));
  EXPECT_EQ(gateway.rows.size(), 2U);
}

TEST_F(ApplierTest, RefusesAnUnknownPlugin) {
  begin();
  auto plugin = entity_row("plugins", 7, R"({"name":"key-auth"})");
  std::string text = *plugin.document;
  text.replace(text.find("key-auth"), 8, "key-auto");
  plugin.document = std::make_shared<const std::string>(text);
  const auto refusal = apply_now(change({plugin}, {}, 5, {rows[0], rows[1], plugin}));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->kind, Refusal::Kind::Invalid);
  EXPECT_THAT(to_json(refusal->errors), HasSubstr("key-auto"));
}

TEST_F(ApplierTest, NamesEveryEntityThatIsWrong) {
  begin();
  const auto broken = [&](std::uint32_t id) {
    auto row = service(id, "x.test");
    std::string text = *row.document;
    text.replace(text.find("\"port\":80"), 9, "\"port\":-1");
    row.document = std::make_shared<const std::string>(text);
    return row;
  };
  const auto a = broken(8), b = broken(9);
  const auto refusal = apply_now(change({a, b}, {}, 5, {rows[0], rows[1], a, b}));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->errors.as_array().size(), 2U);
}

TEST_F(ApplierTest, ReportsWhatTheGatewayCannotServe) {
  begin();
  gateway.problems = {{"routes", numbered(2), "paths", "pattern does not compile"}};
  const auto refusal = apply_now(change({service(1, "two.test")}, {}, 5, {service(1, "two.test"), rows[1]}));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_THAT(to_json(refusal->errors), HasSubstr("pattern does not compile"));
  EXPECT_EQ(applier->standing().version, version(5));
  restart();
  EXPECT_EQ(applier->standing().version, version(5)) << "nothing that is not served is kept";
}

TEST_F(ApplierTest, LeavesOutWhatANewerControlPlaneKnows) {
  const auto newer = service(1, "one.test", R"("colour":"green")");
  auto unknown = service(4, "x.test");
  unknown.type = "portraits";
  const auto refusal = apply_now(whole_of({newer, unknown}, 5));
  ASSERT_FALSE(refusal.has_value()) << refusal->message;
  EXPECT_THAT(served("services", 1), testing::Not(HasSubstr("colour")));
  EXPECT_EQ(gateway.rows.size(), 1U);
  EXPECT_EQ(applier->counts().ignored_fields, 2U);
  EXPECT_EQ(applier->state().rows.digest(), digest_of({newer, unknown})) << "the digest is over what was sent";
}

TEST_F(ApplierTest, GoesOnServingWhenTheDiskTakesNothing) {
  begin();
  std::filesystem::remove_all(folder_);
  std::ofstream(folder_) << "a file where the folder was";
  auto changed = service(1, "two.test");
  Incoming large = whole_of({changed, rows[1]}, 6);
  for (std::uint32_t i = 100; i < 200; ++i) large.delta.upserts.push_back(service(i, "many.test"));
  large.to.hash = digest_of(large.delta.upserts);
  EXPECT_FALSE(apply_now(std::move(large)).has_value());
  EXPECT_TRUE(cache->is_behind());
  EXPECT_THAT(served("services", 1), HasSubstr("two.test"));
  EXPECT_EQ(applier->standing().version, version(6));
}

TEST_F(ApplierTest, LeavesItsFilesWhenWhatIsBeingWrittenHasBeen) {
  begin();
  cache->use_key(new_cache_key());  // makes a fold due
  ASSERT_TRUE(rt::turn_until(reactor, [&] {
    cache->keep_house();
    return listing(".base").size() + listing(".new").size() > 1;  // it has begun
  }));
  rt::run(reactor, cache->leave(reactor.after_ms(5'000)));
  EXPECT_TRUE(listing(".new").empty());
  const auto before = listing("");
  for (int i = 0; i < 5; ++i) {
    cache->keep_house();
    reactor.run_once(5);
  }
  EXPECT_EQ(listing(""), before) << "another process writes now";
  EXPECT_TRUE(FolderLock(folder_).take().has_value());
  cache->come_back();
  rows[0] = service(1, "two.test");
  ASSERT_FALSE(apply_now(whole_of(rows, 6)).has_value());
  EXPECT_FALSE(cache->is_behind());
}

TEST_F(ApplierTest, ChangesFollowEachOtherWhenTheyComeAtOnce) {
  begin();
  const auto second = service(1, "two.test"), third = service(1, "three.test");
  auto one = applier->apply(change({second}, {}, 5, {second, rows[1]}));
  auto other = applier->apply(change({third}, {}, 6, {third, rows[1]}));
  one.start();
  other.start();
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return one.ready() && other.ready(); }));
  EXPECT_EQ(applier->standing().version, version(7)) << "the second one is judged when the first is served";
}

TEST_F(ApplierTest, TakesTheSameConfigurationOnce) {
  begin();
  const std::uint64_t changes = gateway.changes;
  EXPECT_FALSE(apply_now(whole_of(rows, 5)).has_value());
  EXPECT_EQ(gateway.changes, changes);
}

/// Kong's texts differ from ours in form, its versions are its own.
TEST_F(ApplierTest, TakesAnotherProductsConfiguration) {
  Incoming incoming;
  incoming.to.hash = std::string(32, 'a');
  incoming.delta.complete = true;
  const auto document = std::make_shared<const std::string>(R"({"host":"kong.test","id":")" + numbered(1).to_string() +
                                                            R"(","protocol":"http","port":80,"ws_id":null})");
  incoming.delta.upserts.push_back({"services", numbered(1), document, {}});
  const auto refusal = apply_now(incoming);
  ASSERT_FALSE(refusal.has_value()) << refusal->message;
  EXPECT_THAT(served("services", 1), HasSubstr(R"("connect_timeout":60000)"));
  EXPECT_EQ(gateway.hash, std::string(32, 'a'));
}

TEST_F(ApplierTest, ReadsItsRowsAgainForAnotherRelease) {
  const auto newer = service(1, "one.test", R"("colour":"green")");
  ASSERT_FALSE(apply_now(whole_of({newer, route(2, 1)}, 5)).has_value());
  const auto again = revalidate(catalog, applier->state());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->rows.digest(), applier->state().rows.digest());
  EXPECT_EQ(again->standing.version, version(5));
}

}  // namespace
}  // namespace sluice::dataplane
