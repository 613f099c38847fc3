// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class BotDetection : public ::testing::Test {
 protected:
  int answer(std::string_view agent, std::string_view config = "{}") {
    auto plugin = shard.make(add_bot_detection, config);
    Call call(shard, "GET", "/", {{"User-Agent", agent}});
    call.request_hook(*plugin);
    return call.replied() ? call.status() : 200;
  }
  Shard shard;
};

TEST_F(BotDetection, RefusesKnownBots) {
  for (const char* agent :
       {"Twitterbot/1.0", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "axios/1.6.0",
        "Go-http-client/1.1", "Python-urllib/3.11", "Apache-HttpClient/4.5.13 (Java/11)", "okhttp/4.9.3", "okhttp",
        "Java/17.0.2", "somebot/2.0", "MyCrawler", "x-spider", "Screaming WebscrapeTool"}) {
    EXPECT_EQ(answer(agent), 403) << agent;
  }
}

TEST_F(BotDetection, LetsBrowsersAndCurlPass) {
  for (const char* agent : {"curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
                            "Chrome/126.0 Safari/537.36",
                            "", "robot", "MyApp/1.0 (Java/17)"}) {
    EXPECT_EQ(answer(agent), 200) << agent;
  }
}

TEST_F(BotDetection, LetsRequestsWithoutAgentPass) {
  auto plugin = shard.make(add_bot_detection, "{}");
  Call call(shard, "GET", "/");
  EXPECT_FALSE(call.request_hook(*plugin).replied());
}

TEST_F(BotDetection, PrefersWhatIsAllowed) {
  EXPECT_EQ(answer("Twitterbot/1.0", R"({"allow":["Twitterbot"]})"), 200);
  EXPECT_EQ(answer("curl/8.5.0", R"({"allow":["curl/8"],"deny":["curl"]})"), 200);
}

TEST_F(BotDetection, RefusesWhatIsDenied) {
  EXPECT_EQ(answer("curl/8.5.0", R"({"deny":["curl"]})"), 403);
  EXPECT_EQ(answer("CURL/8.5.0", R"({"deny":["curl"]})"), 200);
}

TEST_F(BotDetection, RefusesTwoAgents) {
  auto plugin = shard.make(add_bot_detection, "{}");
  Call call(shard, "GET", "/", {{"User-Agent", "a"}, {"User-Agent", "b"}});
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 400);
  EXPECT_EQ(call.body(), "Only one User-Agent header allowed");
}

TEST_F(BotDetection, WantsRegularExpressions) {
  EXPECT_THAT(shard.violations(add_bot_detection, R"({"deny":["["]})"), ::testing::HasSubstr("not a valid regex: ["));
}

TEST_F(BotDetection, MatchesThePublishedContract) {
  testing::expect_contract(add_bot_detection, "BotDetection");
}

}  // namespace
}  // namespace sluice::plugins
