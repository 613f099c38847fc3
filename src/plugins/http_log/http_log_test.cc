// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/log.h"
#include "plugins/all.h"
#include "plugins/file_log/log_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::LogShard;
using ::testing::Not;
using ::testing::Pair;

class HttpLogTest : public ::testing::Test {
 protected:
  void log(gateway::Plugin& plugin, std::string_view target = "/") {
    Call call(shard_.shard, "GET", target);
    call.ex.record.upstream_uri = target;
    plugin.on_log(call.ex);
  }
  Json sent(std::size_t request) {
    auto parsed = parse_json(shard_.client.requests.at(request).body);
    EXPECT_TRUE(parsed);
    return parsed ? *parsed : Json();
  }

  LogShard shard_;
};

TEST_F(HttpLogTest, HasThePublishedContract) {
  testing::expect_contract(add_http_log, "HttpLog");
}

TEST_F(HttpLogTest, PostsOneObjectWithCredentialsAndWithoutTheQuery) {
  auto plugin = shard_.make(add_http_log, R"({"http_endpoint":"http://u:p@sink/x?y=1","headers":{"X-Key":"k"}})");
  log(*plugin);
  ASSERT_EQ(shard_.client.requests.size(), 1U);
  const auto& request = shard_.client.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://sink/x");
  EXPECT_FALSE(request.verify_tls);
  EXPECT_THAT(request.headers, Contains(Pair("Authorization", "Basic dTpw")));
  EXPECT_THAT(request.headers, Contains(Pair("Content-Type", "application/json")));
  EXPECT_THAT(request.headers, Contains(Pair("X-Key", "k")));
  EXPECT_TRUE(sent(0).is_object());
}

TEST_F(HttpLogTest, AsksForTheRootWhereTheEndpointHasNoPath) {
  auto plugin = shard_.make(add_http_log, R"({"http_endpoint":"https://sink:8443","method":"PUT"})");
  log(*plugin);
  EXPECT_EQ(shard_.client.requests.at(0).url, "https://sink:8443/");
  EXPECT_EQ(shard_.client.requests.at(0).method, "PUT");
}

TEST_F(HttpLogTest, SendsAnArrayWhereBatchesMayHaveSeveralEntries) {
  auto plugin = shard_.make(add_http_log, R"({"http_endpoint":"http://sink/","queue":{"max_batch_size":2}})");
  log(*plugin);
  shard_.pass(1100);
  ASSERT_TRUE(sent(0).is_array());
  EXPECT_EQ(sent(0).as_array().size(), 1U);
  log(*plugin, "/a");
  log(*plugin, "/b");
  shard_.pass(5);
  ASSERT_EQ(shard_.client.requests.size(), 2U);
  EXPECT_EQ(sent(1).as_array().at(1).find("upstream_uri")->as_string(), "/b");
}

TEST_F(HttpLogTest, TakesARedirectForAFailureAndSendsAgain) {
  shard_.client.statuses = {302, 500, 200};
  auto plugin = shard_.make(add_http_log, R"({"http_endpoint":"http://sink/"})");
  log(*plugin);
  shard_.pass(200);
  ASSERT_EQ(shard_.client.requests.size(), 3U);
  EXPECT_EQ(shard_.client.requests[0].body, shard_.client.requests[2].body);
  EXPECT_THAT(shard_.scrape(), HasSubstr("sluice_log_entries_sent_total{plugin=\"http-log\"} 1\n"));
}

TEST_F(HttpLogTest, StillUsesTheOldNamesOfQueueOptions) {
  auto plugin = shard_.make(add_http_log, R"({"http_endpoint":"http://sink/","queue_size":2,"flush_timeout":5})");
  log(*plugin);
  shard_.pass(4900);
  EXPECT_TRUE(shard_.client.requests.empty());
  shard_.pass(200);
  EXPECT_TRUE(sent(0).is_array());
}

TEST_F(HttpLogTest, DeliversWhatAnInstanceLeftBehind) {
  auto plugin = shard_.make(add_http_log, R"({"http_endpoint":"http://sink/","queue":{"max_batch_size":9}})");
  log(*plugin);
  plugin.reset();
  shard_.pass(1100);
  EXPECT_EQ(shard_.client.requests.size(), 1U);
}

TEST_F(HttpLogTest, KeepsCredentialsOutOfTheLog) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // equal events of the last second are only counted
  log::Capture capture;
  shard_.client.statuses = {500};
  auto plugin = shard_.make(add_http_log, R"({"http_endpoint":"http://user:hunter2@sink/"})");
  log(*plugin);
  EXPECT_THAT(capture.text(), HasSubstr("http://sink/ returned status code 500"));
  EXPECT_THAT(capture.text(), Not(HasSubstr("hunter2")));
}

TEST_F(HttpLogTest, RefusesItsOwnHeadersAndLuaFields) {
  EXPECT_THAT(shard_.shard.violations(add_http_log, R"({"http_endpoint":"http://sink/","headers":{"host":"x"}})"),
              HasSubstr("cannot contain 'Host' header"));
  EXPECT_THAT(shard_.shard.unsupported(add_http_log,
                                       R"({"http_endpoint":"http://sink/","custom_fields_by_lua":{"a":"return 1"}})"),
              HasSubstr("not supported yet"));
}

}  // namespace
}  // namespace sluice::plugins
