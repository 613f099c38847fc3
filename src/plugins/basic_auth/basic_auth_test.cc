// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "crypto/hash.h"
#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class BasicAuth : public ::testing::Test {
 protected:
  BasicAuth() : alice(shard.directory.add_consumer("alice")) { add("u", "p"); }

  void add(std::string_view name, std::string_view password) {
    shard.directory.add_credential(alice, "basicauth_credentials", name).secret =
        crypto::sha1_hex(std::string(password) + alice.id_text);
  }
  static std::string basic(std::string_view user_pass) { return "Basic " + base64_encode(user_pass); }
  int answer(Fields fields, std::string_view config = "{}") {
    auto plugin = shard.make(add_basic_auth, config);
    Call call(shard, "GET", "/", fields);
    call.request_hook(*plugin);
    return call.replied() ? call.status() : 200;
  }

  Shard shard;
  gateway::Consumer& alice;
};

TEST_F(BasicAuth, AcceptsNameAndPassword) {
  auto plugin = shard.make(add_basic_auth, "{}");
  Call call(shard, "GET", "/", {{"Authorization", basic("u:p")}});
  call.request_hook(*plugin);
  EXPECT_FALSE(call.replied());
  EXPECT_EQ(call.upstream_header("X-Credential-Identifier"), "u");
  EXPECT_EQ(call.upstream_header("X-Consumer-Username"), "alice");
  EXPECT_EQ(call.upstream_header("Authorization"), basic("u:p"));
}

TEST_F(BasicAuth, RefusesWithAChallenge) {
  auto plugin = shard.make(add_basic_auth, "{}");
  Call call(shard, "GET", "/");
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 401);
  EXPECT_EQ(call.body(), "Unauthorized");
  EXPECT_EQ(call.reply_header("WWW-Authenticate"), "Basic realm=\"service\"");
}

TEST_F(BasicAuth, TakesTheFirstLetterOfTheSchemeInEitherCase) {
  const std::string encoded = base64_encode("u:p");
  EXPECT_EQ(answer({{"Authorization", "basic " + encoded}}), 200);
  EXPECT_EQ(answer({{"Authorization", "  Basic   " + encoded}}), 200);
  EXPECT_EQ(answer({{"Authorization", "BASIC " + encoded}}), 401);
  EXPECT_EQ(answer({{"Authorization", "Bearer " + encoded}}), 401);
}

TEST_F(BasicAuth, RefusesWhatIsWrongOrMalformed) {
  EXPECT_EQ(answer({{"Authorization", basic("u:wrong")}}), 401);
  EXPECT_EQ(answer({{"Authorization", basic("U:p")}}), 401);
  EXPECT_EQ(answer({{"Authorization", basic("admin")}}), 401);
  EXPECT_EQ(answer({{"Authorization", basic(":p")}}), 401);
  EXPECT_EQ(answer({{"Authorization", "Basic !!!!"}}), 401);
  EXPECT_EQ(answer({{"Authorization", "Basic"}}), 401);
  EXPECT_EQ(answer({{"Authorization", basic(std::string_view("u\0x:p", 5))}}), 401);
}

TEST_F(BasicAuth, AllowsColonsInPasswordsAndEmptyOnes) {
  add("colon", "a:b:c");
  add("empty", "");
  EXPECT_EQ(answer({{"Authorization", basic("colon:a:b:c")}}), 200);
  EXPECT_EQ(answer({{"Authorization", basic("empty:")}}), 200);
}

TEST_F(BasicAuth, LetsAKnownProxyUserDecide) {
  const std::string good = basic("u:p");
  EXPECT_EQ(answer({{"Proxy-Authorization", good}}), 200);
  EXPECT_EQ(answer({{"Proxy-Authorization", basic("nobody:p")}, {"Authorization", good}}), 200);
  EXPECT_EQ(answer({{"Proxy-Authorization", basic("u:wrong")}, {"Authorization", good}}), 401);
}

TEST_F(BasicAuth, HidesTheHeadersThatItExamines) {
  auto plugin = shard.make(add_basic_auth, R"({"hide_credentials":true})");
  Call both(shard, "GET", "/", {{"Proxy-Authorization", "Basic x"}, {"Authorization", basic("u:p")}});
  both.request_hook(*plugin);
  EXPECT_EQ(both.upstream_header("Authorization"), "(none)");
  EXPECT_EQ(both.upstream_header("Proxy-Authorization"), "(none)");
  Call proxy(shard, "GET", "/", {{"Proxy-Authorization", basic("u:p")}, {"Authorization", "Bearer t"}});
  proxy.request_hook(*plugin);
  EXPECT_EQ(proxy.upstream_header("Authorization"), "Bearer t");
}

TEST_F(BasicAuth, FallsBackToTheAnonymousConsumer) {
  EXPECT_EQ(answer({{"Authorization", basic("u:wrong")}}, R"({"anonymous":"alice"})"), 200);
}

TEST_F(BasicAuth, MatchesThePublishedContract) {
  testing::expect_contract(add_basic_auth, "BasicAuth");
}

}  // namespace
}  // namespace sluice::plugins
