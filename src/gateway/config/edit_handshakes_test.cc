// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "gateway/config/client_policies.h"
#include "gateway/config/server_names.h"
#include "gateway/gateway_fixture.h"
#include "net/tls/self_signed.h"

namespace sluice::gateway {
namespace {

class HandshakesTest : public testing::Test, protected Generations {
 protected:
  /// Service 1 with route 2 for one.test and route 3 for two.test; 4 has no names.
  static std::string routes(const std::string& service_plugins = "", const std::string& route_plugins = "",
                            const std::string& more = "") {
    const std::string head = "services:\n- id: " + test_id(1) + "\n  name: s\n  host: up.test\n";
    return head + "  plugins: [" + service_plugins + "]\n  routes:\n  - {id: " + test_id(2) +
           ", name: one, snis: [One.test], protocols: [https], paths: [/], plugins: [" + route_plugins +
           "]}\n  - {id: " + test_id(3) + ", name: two, snis: [two.test], protocols: [https], paths: [/]}\n" + more;
  }
  static std::string asking(int id) { return "{id: " + test_id(id) + ", name: ask}"; }
  [[nodiscard]] bool asks(std::string_view name) const { return ServerNames(current).clients(name) != nullptr; }
  sync::Delta removal(std::string type, int id) const {
    sync::Delta delta;
    delta.removals.push_back({std::move(type), test_uuid(id)});
    return delta;
  }
};

TEST_F(HandshakesTest, NothingIsAskedWithoutAPluginThatAsks) {
  load(routes());
  EXPECT_EQ(current->client_policies, nullptr);
  EXPECT_FALSE(asks("one.test"));
}

TEST_F(HandshakesTest, ARowForARouteAsksUnderItsNames) {
  load(routes("", asking(9)));
  EXPECT_TRUE(asks("one.test"));
  EXPECT_FALSE(asks("two.test"));
  EXPECT_FALSE(asks(""));
}

TEST_F(HandshakesTest, ARowForAServiceAsksUnderTheNamesOfItsRoutes) {
  load(routes(asking(9)));
  EXPECT_TRUE(asks("one.test"));
  EXPECT_TRUE(asks("two.test"));
  EXPECT_FALSE(asks("three.test"));
}

TEST_F(HandshakesTest, ARowForTheWholeGatewayAsksEverybody) {
  load(routes() + "plugins:\n- " + asking(9) + "\n");
  EXPECT_TRUE(asks("three.test"));
  EXPECT_TRUE(asks(""));
}

TEST_F(HandshakesTest, ARouteWithoutNamesAsksEverybody) {
  load(routes(asking(9), "", "  - {id: " + test_id(4) + ", name: all, protocols: [https], paths: [/all]}\n"));
  EXPECT_TRUE(asks("three.test"));
  EXPECT_TRUE(asks(""));
}

TEST_F(HandshakesTest, ARouteForPlainRequestsAsksNobody) {
  load(routes(asking(9), "", "  - {id: " + test_id(4) + ", name: all, protocols: [http], paths: [/all]}\n"));
  EXPECT_FALSE(asks("three.test"));
}

TEST_F(HandshakesTest, WhatIsAskedFollowsRoutesThatChange) {
  load(routes(asking(9)));
  apply(vocabulary.only("routes", "services:\n- {id: " + test_id(1) + ", name: s, host: up.test, routes: [{id: " +
                                      test_id(3) + ", name: two, snis: [moved.test], protocols: [https]}]}\n"));
  EXPECT_TRUE(asks("one.test"));
  EXPECT_TRUE(asks("moved.test"));
  EXPECT_FALSE(asks("two.test"));
  apply(removal("routes", 3));
  EXPECT_FALSE(asks("moved.test"));
  EXPECT_TRUE(asks("one.test"));
}

TEST_F(HandshakesTest, NothingIsAskedAnyMoreWhenTheRowIsGone) {
  load(routes(asking(9)));
  const Snapshot::Ref before = current;
  apply(removal("plugins", 9));
  EXPECT_FALSE(asks("one.test"));
  EXPECT_EQ(current->client_policies, nullptr);
  EXPECT_TRUE(ServerNames(before).clients("one.test"));
}

TEST_F(HandshakesTest, WhatIsAskedIsSharedWhenOtherThingsChange) {
  load(routes(asking(9)));
  const auto before = current->client_policies;
  apply(vocabulary.load("consumers:\n- {username: bob}\n").upserts.empty()
            ? sync::Delta{}
            : vocabulary.only("consumers", "consumers:\n- {username: bob}\n"));
  EXPECT_EQ(current->client_policies, before);
}

TEST_F(HandshakesTest, CertificatesAreFoundByServerName) {
  const auto pair = *net::tls::make_self_signed({"x.test"});
  auto quoted = [](const std::string& text) { return to_json(Json(text)); };
  const std::string certificate = "certificates:\n- id: " + test_id(7) + "\n  cert: " + quoted(pair.certificate) +
                                  "\n  key: " + quoted(pair.key) +
                                  "\n  snis: [{name: x.test}, {name: \"*.wild.test\"}, {name: api.*}]\n";
  load(certificate);
  const ServerNames names(current);
  const auto found = names.find("x.test");
  ASSERT_TRUE(found);
  EXPECT_EQ(names.find("a.wild.test"), found);
  EXPECT_EQ(names.find("api.example"), found);
  EXPECT_FALSE(names.find("a.b.wild.test"));
  EXPECT_FALSE(names.find(""));
  const std::uint64_t epoch = current->certificate_epoch;
  load(certificate + "consumers:\n- {username: bob}\n");
  EXPECT_EQ(current->certificate_epoch, epoch);
  EXPECT_EQ(ServerNames(current).find("x.test"), found) << "with what is stapled to it";
}

}  // namespace
}  // namespace sluice::gateway
