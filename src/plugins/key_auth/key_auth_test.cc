// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class KeyAuth : public ::testing::Test {
 protected:
  KeyAuth() : alice(shard.directory.add_consumer("alice")), stranger(shard.directory.add_consumer("stranger")) {
    alice.custom_id = "a-17";
    credential = &shard.directory.add_credential(alice, "keyauth_credentials", "good");
  }

  std::unique_ptr<gateway::Plugin> make(std::string_view config = "{}") { return shard.make(add_key_auth, config); }
  /// `status message` of a refusal, "200" when the request goes on.
  std::string answer(std::string_view config, std::string_view target, Fields fields = {}) {
    auto plugin = make(config);
    Call call(shard, "GET", target, fields);
    call.request_hook(*plugin);
    return call.replied() ? std::to_string(call.status()) + " " + call.body() : "200";
  }

  Shard shard;
  gateway::Consumer& alice;
  gateway::Consumer& stranger;
  gateway::Credential* credential;
};

TEST_F(KeyAuth, AcceptsAKeyInHeaderOrQuery) {
  EXPECT_EQ(answer("{}", "/?apikey=good"), "200");
  EXPECT_EQ(answer("{}", "/", {{"apikey", "good"}}), "200");
  EXPECT_EQ(answer("{}", "/", {{"APIKEY", "good"}}), "200");
}

TEST_F(KeyAuth, TellsTheUpstreamWhoTheClientIs) {
  auto plugin = make();
  Call call(shard, "GET", "/", {{"apikey", "good"}});
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_header("X-Consumer-ID"), alice.id_text);
  EXPECT_EQ(call.upstream_header("X-Consumer-Username"), "alice");
  EXPECT_EQ(call.upstream_header("X-Consumer-Custom-ID"), "a-17");
  EXPECT_EQ(call.upstream_header("X-Credential-Identifier"), credential->id_text);
  EXPECT_EQ(call.upstream_header("X-Anonymous-Consumer"), "(none)");
  EXPECT_EQ(call.ex.authenticated.consumer, &alice);
  EXPECT_EQ(call.upstream_header("apikey"), "good");
}

TEST_F(KeyAuth, RefusesWithoutAKeyAndChallenges) {
  auto plugin = make();
  Call call(shard, "GET", "/");
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 401);
  EXPECT_EQ(call.body(), "No API key found in request");
  EXPECT_EQ(call.reply_header("WWW-Authenticate"), "Key");
}

TEST_F(KeyAuth, NamesTheRealmInTheChallenge) {
  auto plugin = make(R"({"realm":"x"})");
  Call call(shard, "GET", "/");
  EXPECT_EQ(call.request_hook(*plugin).reply_header("WWW-Authenticate"), "Key realm=\"x\"");
}

TEST_F(KeyAuth, RefusesAnUnknownKey) {
  EXPECT_EQ(answer("{}", "/?apikey=bad"), "401 Unauthorized");
  EXPECT_EQ(answer("{}", "/?apikey='%20OR%20'1'='1"), "401 Unauthorized");
}

TEST_F(KeyAuth, TakesTheHeaderBeforeTheQuery) {
  EXPECT_EQ(answer("{}", "/?apikey=good", {{"apikey", "bad"}}), "401 Unauthorized");
}

TEST_F(KeyAuth, ComparesArgumentNamesWithRegardToCase) {
  EXPECT_EQ(answer("{}", "/?APIKEY=good"), "401 No API key found in request");
}

TEST_F(KeyAuth, RefusesSeveralKeysOfOneName) {
  EXPECT_EQ(answer("{}", "/?apikey=good&apikey=good"), "401 Duplicate API key found");
  EXPECT_EQ(answer("{}", "/?apikey=good&apikey"), "401 Duplicate API key found");
  EXPECT_EQ(answer("{}", "/", {{"apikey", "good"}, {"Apikey", "good"}}), "401 Duplicate API key found");
}

TEST_F(KeyAuth, CountsAnEmptyKeyAsNone) {
  EXPECT_EQ(answer("{}", "/", {{"apikey", ""}}), "401 No API key found in request");
  EXPECT_EQ(answer("{}", "/?apikey=good", {{"apikey", ""}}), "401 No API key found in request");
}

TEST_F(KeyAuth, SkipsAnArgumentWithoutValue) {
  EXPECT_EQ(answer(R"({"key_names":["apikey","k"]})", "/?apikey&k=good"), "200");
}

TEST_F(KeyAuth, TriesTheNamesInOrder) {
  constexpr std::string_view kConfig = R"({"key_names":["first","second"]})";
  EXPECT_EQ(answer(kConfig, "/?second=good"), "200");
  EXPECT_EQ(answer(kConfig, "/?second=good&first=bad"), "401 Unauthorized");
}

TEST_F(KeyAuth, LooksOnlyWhereItIsTold) {
  EXPECT_EQ(answer(R"({"key_in_header":false})", "/", {{"apikey", "good"}}), "401 No API key found in request");
  EXPECT_EQ(answer(R"({"key_in_query":false})", "/?apikey=good"), "401 No API key found in request");
}

TEST_F(KeyAuth, DecodesTheKeyInTheQuery) {
  shard.directory.add_credential(alice, "keyauth_credentials", "a b/c");
  EXPECT_EQ(answer("{}", "/?api%6bey=a+b%2Fc"), "200");
}

TEST_F(KeyAuth, HidesTheKeyFromTheUpstream) {
  auto plugin = make(R"({"hide_credentials":true})");
  Call call(shard, "GET", "/?apikey=good&a=1+2&b=%20", {{"apikey", "good"}});
  call.request_hook(*plugin);
  EXPECT_FALSE(call.replied());
  EXPECT_EQ(call.upstream_header("apikey"), "(none)");
  EXPECT_EQ(call.ex.request.query, "a=1%202&b=%20");
}

TEST_F(KeyAuth, LeavesNoQuestionMarkBehindAHiddenKey) {
  auto plugin = make(R"({"hide_credentials":true})");
  Call call(shard, "GET", "/?apikey=good");
  call.request_hook(*plugin);
  EXPECT_EQ(call.ex.request.query, "");
  EXPECT_FALSE(call.ex.request.has_query);
}

TEST_F(KeyAuth, FindsAndHidesTheKeyInAForm) {
  auto plugin = make(R"({"key_in_body":true,"hide_credentials":true})");
  Call call(shard, "POST", "/");
  call.with_body("application/x-www-form-urlencoded", "a=1&apikey=good&b=2").request_hook(*plugin);
  EXPECT_FALSE(call.replied());
  EXPECT_EQ(call.upstream_body(), "a=1&b=2");
}

TEST_F(KeyAuth, FindsAndHidesTheKeyInJson) {
  auto plugin = make(R"({"key_in_body":true,"hide_credentials":true})");
  Call call(shard, "POST", "/");
  call.with_body("application/json; charset=utf-8", R"({"a":1,"apikey":"good"})").request_hook(*plugin);
  EXPECT_FALSE(call.replied());
  EXPECT_EQ(call.upstream_body(), R"({"a":1})");
}

TEST_F(KeyAuth, FindsAndHidesTheKeyInMultipart) {
  auto plugin = make(R"({"key_in_body":true,"hide_credentials":true})");
  Call call(shard, "POST", "/");
  call.with_body("multipart/form-data; boundary=xx",
                 "--xx\r\nContent-Disposition: form-data; name=\"apikey\"\r\n\r\ngood\r\n"
                 "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx--\r\n")
      .request_hook(*plugin);
  EXPECT_FALSE(call.replied());
  EXPECT_EQ(call.upstream_body(), "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--xx--\r\n");
}

TEST_F(KeyAuth, HidesTheNameInTheContentThoughTheHeaderHadTheKey) {
  auto plugin = make(R"({"key_in_body":true,"hide_credentials":true})");
  Call call(shard, "POST", "/", {{"apikey", "good"}});
  call.with_body("application/x-www-form-urlencoded", "apikey=other&b=2").request_hook(*plugin);
  EXPECT_FALSE(call.replied());
  EXPECT_EQ(call.upstream_body(), "b=2");
}

TEST_F(KeyAuth, TakesAMalformedContentForOneWithoutAKey) {
  auto plugin = make(R"({"key_in_body":true})");
  Call call(shard, "POST", "/");
  call.with_body("application/json", R"({"apikey":"good")").request_hook(*plugin);
  EXPECT_EQ(call.body(), "No API key found in request");
}

TEST_F(KeyAuth, RefusesAKeyThatHasExpired) {
  credential->expires_at_s = shard.clock->wall_s() + 2;
  EXPECT_EQ(answer("{}", "/?apikey=good"), "200");
  shard.clock->advance_ms(3000);
  EXPECT_EQ(answer("{}", "/?apikey=good"), "401 Unauthorized");
}

TEST_F(KeyAuth, LetsOptionsThroughOnlyWhenToldTo) {
  for (const bool run : {true, false}) {
    auto plugin = make(run ? "{}" : R"({"run_on_preflight":false})");
    Call call(shard, "OPTIONS", "/");
    EXPECT_EQ(call.request_hook(*plugin).replied(), run);
  }
}

TEST_F(KeyAuth, RemovesIdentityFieldsThatTheClientSent) {
  auto plugin = make();
  Call call(shard, "GET", "/",
            {{"apikey", "good"},
             {"X-Consumer-ID", "evil"},
             {"X-Credential-Identifier", "z"},
             {"X-Authenticated-Scope", "all"},
             {"X_Consumer_Username", "admin"},
             {"x-consumer_custom-id", "1"},
             {"X-Consumer-Note", "kept"}});
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_header("X-Consumer-ID"), alice.id_text);
  EXPECT_EQ(call.upstream_header("X-Credential-Identifier"), credential->id_text);
  EXPECT_EQ(call.upstream_header("X-Authenticated-Scope"), "(none)");
  EXPECT_EQ(call.upstream_header("X_Consumer_Username"), "(none)");
  EXPECT_EQ(call.upstream_header("x-consumer_custom-id"), "(none)");
  EXPECT_EQ(call.upstream_header("X-Consumer-Note"), "kept");
}

TEST_F(KeyAuth, LetsStrangersInAsTheAnonymousConsumer) {
  for (const std::string& name : {stranger.username, stranger.id_text}) {
    auto plugin = make(R"({"anonymous":")" + name + R"("})");
    Call call(shard, "GET", "/", {{"X-Credential-Identifier", "z"}});
    call.request_hook(*plugin);
    EXPECT_FALSE(call.replied());
    EXPECT_EQ(call.upstream_header("X-Consumer-Username"), "stranger");
    EXPECT_EQ(call.upstream_header("X-Anonymous-Consumer"), "true");
    EXPECT_EQ(call.upstream_header("X-Credential-Identifier"), "(none)");
    EXPECT_FALSE(call.ex.authenticated.has_credential);
  }
}

TEST_F(KeyAuth, FailsWhenTheAnonymousConsumerDoesNotExist) {
  EXPECT_EQ(answer(R"({"anonymous":"nobody"})", "/"), "500 anonymous consumer nobody is configured but doesn't exist");
}

TEST_F(KeyAuth, LeavesTheCredentialOfAnotherPluginAloneWhenTheyAreAlternatives) {
  auto plugin = make(R"({"anonymous":"stranger"})");
  Call call(shard, "GET", "/", {{"apikey", "good"}});
  gateway::Credential other;
  other.id_text = "other";
  call.ex.authenticate(stranger, &other, "other");
  call.request_hook(*plugin);
  EXPECT_EQ(call.ex.authenticated.consumer, &stranger);
}

TEST_F(KeyAuth, DemandsItsOwnCredentialWhenAllPluginsMustBeSatisfied) {
  auto plugin = make();
  Call call(shard, "GET", "/");
  gateway::Credential other;
  call.ex.authenticate(stranger, &other, "other");
  EXPECT_EQ(call.request_hook(*plugin).status(), 401);
}

TEST_F(KeyAuth, FailsWhenTheOwnerOfAKeyIsGone) {
  shard.directory.drop_consumers();
  auto plugin = make();
  Call call(shard, "GET", "/?apikey=good");
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 500);
  EXPECT_EQ(call.body(), R"({"message":"An unexpected error occurred"})");
}

TEST_F(KeyAuth, SaysThatForeignRealmsAreNotSupported) {
  EXPECT_EQ(shard.unsupported(add_key_auth, R"({"identity_realms":[{"scope":"cp"}]})"), "");
  EXPECT_EQ(shard.unsupported(add_key_auth, R"({"identity_realms":[{"scope":"cp"},{"scope":"realm","id":"r"}]})"),
            "identity_realms: consumers of other realms are not supported yet");
}

TEST_F(KeyAuth, MatchesThePublishedContract) {
  testing::expect_contract(add_key_auth, "KeyAuth");
}

}  // namespace
}  // namespace sluice::plugins
