// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "plugins/all.h"
#include "plugins/file_log/log_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::LogShard;

class FileLogTest : public ::testing::Test {
 protected:
  ~FileLogTest() override { std::filesystem::remove_all(dir_); }

  [[nodiscard]] std::string path(const std::string& name) const { return dir_ / name; }
  std::string read(const std::string& name) {
    shard_.pass(20);
    EXPECT_TRUE(shard_.writer.flush(5000));
    std::ifstream in(path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void log(gateway::Plugin& plugin) {
    Call call(shard_.shard, "GET", "/pets?x=1");
    plugin.on_log(call.ex);
  }
  static std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  LogShard shard_;
  std::filesystem::path dir_ = [] {
    auto dir = std::filesystem::temp_directory_path() / ("sluice-file-log-" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir);
    return dir;
  }();
};

TEST_F(FileLogTest, HasThePublishedContract) {
  testing::expect_contract(add_file_log, "FileLog");
}

TEST_F(FileLogTest, WritesOneJsonLinePerRequest) {
  auto plugin = shard_.make(add_file_log, R"({"path":")" + path("a") + R"("})");
  log(*plugin);
  log(*plugin);
  std::string text = read("a");
  EXPECT_EQ(lines(text), 2U);
  auto record = parse_json(text.substr(0, text.find('\n')));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->find("request")->find("method")->as_string(), "GET");
}

TEST_F(FileLogTest, FindsANewFileAfterARotationWhenToldTo) {
  auto plugin = shard_.make(add_file_log, R"({"path":")" + path("a") + R"(","reopen":true})");
  log(*plugin);
  EXPECT_EQ(lines(read("a")), 1U);
  std::filesystem::rename(path("a"), path("b"));
  log(*plugin);
  EXPECT_EQ(lines(read("a")), 1U);
  EXPECT_EQ(lines(read("b")), 1U);
}

TEST_F(FileLogTest, KeepsTheOldFileOtherwise) {
  auto plugin = shard_.make(add_file_log, R"({"path":")" + path("a") + R"("})");
  log(*plugin);
  EXPECT_EQ(lines(read("a")), 1U);
  std::filesystem::rename(path("a"), path("b"));
  log(*plugin);
  EXPECT_EQ(lines(read("b")), 2U);
}

TEST_F(FileLogTest, OnlyCountsWhatAnUnwritablePathRefuses) {
  auto plugin = shard_.make(add_file_log, R"({"path":")" + path("none/a") + R"("})");
  log(*plugin);
  EXPECT_EQ(read("none/a"), "");
  EXPECT_EQ(shard_.writer.dropped_lines(), 1U);
}

TEST_F(FileLogTest, LosesNothingWhenTheInstanceGoes) {
  auto plugin = shard_.make(add_file_log, R"({"path":")" + path("a") + R"("})");
  log(*plugin);
  plugin.reset();
  EXPECT_EQ(lines(read("a")), 1U);
}

TEST_F(FileLogTest, RefusesFieldsThatNeedLua) {
  EXPECT_EQ(shard_.shard.unsupported(add_file_log, R"({"path":"/tmp/x","custom_fields_by_lua":{"a":"return 1"}})"),
            "custom_fields_by_lua: fields computed by Lua are not supported yet");
}

TEST_F(FileLogTest, RefusesPathsThatAreNone) {
  EXPECT_NE(shard_.shard.violations(add_file_log, R"({"path":"/tmp/*"})"), "");
  EXPECT_NE(shard_.shard.violations(add_file_log, "{}"), "");
}

}  // namespace
}  // namespace sluice::plugins
