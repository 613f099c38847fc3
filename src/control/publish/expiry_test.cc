// SPDX-License-Identifier: Apache-2.0
#include "control/publish/expiry.h"

#include <gmock/gmock.h>

#include "base/time.h"
#include "control/admin/admin_fixture.h"

namespace sluice::control::publish {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Over the Admin API, since what has expired must not show there either.
class ExpiryTest : public admin::AdminTest {
 protected:
  ExpiryTest() : AdminTest(admin::Storage::Sqlite) {}

  /// A key that expired a moment ago, or earlier. Written as a row, since a client cannot make one.
  Uuid expired_key(const std::string& key, std::int64_t seconds_ago = 1) {
    auto document = entity::accepted(catalog, "keyauth_credentials",
                                     R"({"key":")" + key + R"(","ttl":5,"consumer":{"id":")" + ann() + "\"}}");
    document.as_object().set("created_at", unix_seconds() - 5 - seconds_ago);
    const Uuid id = *Uuid::parse(document.find("id")->as_string());
    store.put({"keyauth_credentials", id, std::make_shared<const std::string>(to_json(document))});
    return id;
  }
  std::string ann() { return get("/consumers/ann")->json().find("id")->as_string(); }
  std::size_t kept() { return store.table("keyauth_credentials").rows().size(); }
};

TEST_F(ExpiryTest, WhatHasExpiredIsNotShown) {
  const Uuid id = expired_key("old");
  EXPECT_EQ(get("/key-auths/old")->status, 404);
  EXPECT_EQ(get("/key-auths/" + id.to_string())->status, 404);
  EXPECT_EQ(get("/consumers/ann/key-auth/old")->status, 404);
  EXPECT_THAT(column(get("/key-auths")->json(), "key"), ElementsAre("k1"));
  EXPECT_THAT(column(get("/consumers/ann/key-auth")->json(), "key"), ElementsAre("k1"));
  EXPECT_EQ(patch("/key-auths/old", R"({"ttl":100})")->status, 404);
}

TEST_F(ExpiryTest, ItsValuesAreFreeAtOnce) {
  expired_key("old");
  const auto reply = post("/consumers/ann/key-auth", R"({"key":"old"})");
  EXPECT_EQ(reply->status, 201) << reply->text;
  EXPECT_EQ(gateway.deltas.back().removals.size(), 1U) << "the one that stood in the way goes with the same change";
  EXPECT_EQ(get("/key-auths/old")->status, 200);
}

TEST_F(ExpiryTest, SoIsItsId) {
  const std::string id = expired_key("old").to_string();
  EXPECT_EQ(post("/consumers/ann/key-auth", R"({"key":"new","id":")" + id + "\"}")->status, 201);
  expired_key("older");
  EXPECT_EQ(put("/consumers/ann/key-auth/older", R"({"ttl":7})")->json().find("ttl")->as_int(), 6);
}

TEST_F(ExpiryTest, SecondsCountFromTheWrite) {
  const std::string past = std::to_string(unix_seconds() - 1000);
  const auto made = post("/consumers/ann/key-auth", R"({"key":"n","ttl":10,"created_at":)" + past + "}");
  EXPECT_EQ(made->json().find("ttl")->as_int(), 9);
  EXPECT_EQ(patch("/key-auths/n", R"({"tags":["x"]})")->json().find("ttl")->as_int(), 9);
  EXPECT_EQ(patch("/key-auths/n", R"({"ttl":99})")->json().find("ttl")->as_int(), 98);
  EXPECT_TRUE(patch("/key-auths/n", R"({"ttl":null})")->json().find("ttl")->is_null());
}

TEST_F(ExpiryTest, RemovalTakesSomeAtATimeTheOldestFirst) {
  for (int i = 0; i < 5; ++i) expired_key("old" + std::to_string(i), kExpiryGraceSeconds + 1);
  auto task = publisher.submit(removal_of_expired(catalog, 3), "expiry");
  task.start();
  ASSERT_TRUE(task.ready());
  const auto done = task.take();
  ASSERT_TRUE(done.has_value());
  EXPECT_THAT(done->delta.removals, SizeIs(3));
  EXPECT_THAT(done->delta.upserts, IsEmpty());
  EXPECT_EQ(kept(), 3U);
}

TEST_F(ExpiryTest, RemovalWaitsForPlanesWhoseClocksAreBehind) {
  expired_key("old", kExpiryGraceSeconds - 60);
  auto task = publisher.submit(removal_of_expired(catalog, 3), "expiry");
  task.start();
  ASSERT_TRUE(task.ready());
  EXPECT_EQ(kept(), 2U);
}

TEST_F(ExpiryTest, ARowThatHasExpiredIsNoneToPreconditions) {
  const std::string id = expired_key("old").to_string();
  const auto reply = send("PUT", "/consumers/ann/key-auth/" + id, R"({"key":"new"})",
                          {{"Content-Type", "application/json"}, {"If-None-Match", "*"}});
  EXPECT_EQ(reply->status, 200) << reply->text;
  EXPECT_GE(reply->json().find("created_at")->as_int(), unix_seconds() - 2);
}

TEST_F(ExpiryTest, ALongTimeThatWasGivenLateDoesNotStandInTheWay) {
  const std::string past = std::to_string(unix_seconds() - 1000);
  EXPECT_EQ(post("/consumers/ann/key-auth", R"({"key":"n","ttl":100000000,"created_at":)" + past + "}")->status, 201);
  const auto reply = patch("/key-auths/n", R"({"tags":["x"]})");
  EXPECT_EQ(reply->status, 200) << reply->text;
  EXPECT_EQ(reply->json().find("ttl")->as_int(), 99'999'999);
  EXPECT_EQ(patch("/key-auths/n", R"({"ttl":100000001})")->status, 400);
}

TEST_F(ExpiryTest, TheSweepLeavesWhatStillOpens) {
  expired_key("old", kExpiryGraceSeconds + 1);
  ExpirySweep sweep(publisher, reactor);
  sweep.start();
  rt::turn_until(reactor, [&] { return kept() == 1; });
  EXPECT_EQ(get("/key-auths/k1")->status, 200);
}

}  // namespace
}  // namespace sluice::control::publish
