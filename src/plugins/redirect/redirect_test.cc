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

class Redirect : public ::testing::Test {
 protected:
  std::string location(std::string_view config, std::string_view target) {
    auto plugin = shard.make(add_redirect, config);
    Call call(shard, "GET", target);
    call.request_hook(*plugin);
    EXPECT_EQ(call.body(), "redirecting");
    return call.reply_header("Location");
  }
  Shard shard;
};

TEST_F(Redirect, SendsElsewhere) {
  auto plugin = shard.make(add_redirect, R"({"location":"https://e.com/x"})");
  Call call(shard, "GET", "/a?b=1");
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 301);
  EXPECT_EQ(call.reply().form, gateway::Reply::Form::Exit);
  EXPECT_EQ(call.reply_header("Location"), "https://e.com/x");
}

TEST_F(Redirect, UsesTheConfiguredStatus) {
  auto plugin = shard.make(add_redirect, R"({"location":"https://e.com/x","status_code":307})");
  Call call(shard, "POST", "/");
  EXPECT_EQ(call.request_hook(*plugin).status(), 307);
}

TEST_F(Redirect, KeepsPathAndQueryWhenTold) {
  EXPECT_EQ(location(R"({"location":"https://e.com/x","keep_incoming_path":true})", "/a?b=1"), "https://e.com/a?b=1");
  EXPECT_EQ(location(R"({"location":"https://e.com/x?k=1","keep_incoming_path":true})", "/a"), "https://e.com/a");
  EXPECT_EQ(location(R"({"location":"HTTPS://E.com:443#top","keep_incoming_path":true})", "/a?"),
            "https://e.com/a#top");
  EXPECT_EQ(location(R"({"location":"http://u@E.com:443/","keep_incoming_path":true})", "/a"), "http://u@e.com:443/a");
}

TEST_F(Redirect, EscapesWhatAUrlCannotHold) {
  EXPECT_EQ(location(R"({"location":"https://e.com","keep_incoming_path":true})", "/a b\r\n<\xc3\xa9>%20?q=\"x'"),
            "https://e.com/a%20b%0D%0A%3C%C3%A9%3E%20?q=%22x%27");
}

TEST_F(Redirect, WantsALocation) {
  EXPECT_EQ(shard.violations(add_redirect, "{}"), "schema violation (location: required field missing)");
}

TEST_F(Redirect, MatchesThePublishedContract) {
  testing::expect_contract(add_redirect, "Redirect");
}

}  // namespace
}  // namespace sluice::plugins
