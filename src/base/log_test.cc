// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // mkdtemp
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log_line.h"
#include "base/strings.h"

namespace sluice {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kTime = 1'700'000'000'007;

std::string json_line(std::string_view event, log::Fields fields) {
  std::string out;
  log::append_json_line(out, kTime, log::Level::Warn, event, fields);
  return out;
}
std::string text_line(std::string_view event, log::Fields fields) {
  std::string out;
  log::append_text_line(out, kTime, log::Level::Warn, event, fields);
  return out;
}

class TemporaryFile {
 public:
  TemporaryFile() {
    char pattern[] = "/tmp/sluice-log-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~TemporaryFile() {
    ::unlink(path().c_str());
    ::unlink((path() + ".1").c_str());
    ::rmdir(directory_.c_str());
  }
  [[nodiscard]] std::string path() const { return directory_ + "/log"; }
  [[nodiscard]] static std::string content(const std::string& path) {
    std::string text(1 << 16, '\0');
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t n = ::read(fd, text.data(), text.size());
    ::close(fd);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }

 private:
  std::string directory_;
};

TEST(LogLine, IsJsonWithFieldsInOrder) {
  EXPECT_EQ(
      json_line("upstream.connect_failed",
                {{"host", "10.0.0.7"}, {"attempt", 2}, {"ratio", 0.5}, {"last", true}, {"error", Error{.what = "no"}}}),
      R"({"time":"2023-11-14T22:13:20.007Z","level":"warn","event":"upstream.connect_failed",)"
      R"("host":"10.0.0.7","attempt":2,"ratio":0.5,"last":true,"error":"no"})"
      "\n");
}

TEST(LogLine, IsTextForPeople) {
  EXPECT_EQ(text_line("a.b", {{"host", "x"}, {"error", "not found"}, {"empty", ""}, {"n", std::uint8_t{7}}}),
            "22:13:20.007 warn   a.b host=x error=\"not found\" empty=\"\" n=7\n");
}

TEST(LogLine, CannotBeForgedByAValue) {
  const std::string_view evil =
      "x\n{\"level\":\"error\"}\r\x1B[31m\x7F\xC2\x9B"
      "1m\xE2\x80\xAE\xFF";
  for (const std::string& line : {json_line("e", {{"v", evil}}), text_line("e", {{"v", evil}})}) {
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    for (const char* bad : {"\r", "\x1B", "\x7F", "\xC2\x9B", "\xE2\x80\xAE", "\xFF"})
      EXPECT_THAT(line, Not(HasSubstr(bad)));
  }
  EXPECT_TRUE(parse_json(trim(json_line("e", {{"v", evil}}))));
  EXPECT_THAT(text_line("e", {{"v", "a=b"}}), HasSubstr("v=\"a=b\""));
}

TEST(LogLine, IsBounded) {
  std::string umlauts;
  for (int i = 0; i < 5000; ++i) umlauts += "\xC3\xBC";
  const std::string line = json_line("e", {{"v", "x" + umlauts}});
  EXPECT_LT(line.size(), 2200U);
  EXPECT_TRUE(parse_json(trim(line)));
  EXPECT_THAT(line, EndsWith("\xC3\xBC\xE2\x80\xA6\"}\n"));
}

TEST(LogLine, MasksSecrets) {
  EXPECT_THAT(json_line("e", {{"key", Secret<std::string>("hunter2")}}), HasSubstr(R"("key":"***")"));
}

TEST(LogLine, SpellsNumbersThatJsonLacks) {
  EXPECT_THAT(json_line("e", {{"v", 0.0 / 0.0}}), HasSubstr(R"("nan")"));
}

TEST(Log, SkipsWhatIsBelowTheLevel) {
  const log::Capture capture;
  log::set_level(log::Level::Warn);
  log::info("quiet");
  log::error("loud");
  EXPECT_THAT(capture.text(), Not(HasSubstr("quiet")));
  EXPECT_THAT(capture.text(), HasSubstr("loud"));
}

TEST(Log, KnowsTheLevelsOfKongConf) {
  EXPECT_EQ(log::parse_level("notice").value(), log::Level::Notice);
  EXPECT_EQ(log::parse_level("CRIT").value(), log::Level::Error);
  EXPECT_FALSE(log::parse_level("verbose"));
}

TEST(Log, WritesToAFileAndFollowsItsRotation) {
  const TemporaryFile file;
  ASSERT_TRUE(log::configure({.level = log::Level::Info, .file = file.path()}));
  log::info("before");
  ASSERT_EQ(std::rename(file.path().c_str(), (file.path() + ".1").c_str()), 0);
  ASSERT_TRUE(log::reopen());
  log::info("after");
  ASSERT_TRUE(log::configure({}));
  EXPECT_THAT(TemporaryFile::content(file.path() + ".1"), HasSubstr("\"event\":\"before\"}\n"));
  EXPECT_THAT(TemporaryFile::content(file.path()), HasSubstr("\"event\":\"after\"}\n"));
}

TEST(Log, ReportsAFileThatCannotBeOpened) {
  const auto result = log::configure({.file = "/nonexistent/log"});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().what, HasSubstr("cannot open log file /nonexistent/log"));
}

TEST(Log, TakesNoLinkAndNoFifoInAFolderThatOthersWrite) {
  std::string folder = testing::TempDir() + "sluice-log-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/error.log";
  const std::string other = folder + "/other";
  const log::Options shared{.file = path, .shared_folder = true};
  ASSERT_EQ(::close(::open(other.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
  ASSERT_EQ(::symlink(other.c_str(), path.c_str()), 0);
  EXPECT_FALSE(log::configure(shared));
  ::unlink(path.c_str());
  ASSERT_EQ(::link(other.c_str(), path.c_str()), 0);
  EXPECT_FALSE(log::configure(shared));
  ::unlink(path.c_str());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(log::configure(shared));
  ::unlink(path.c_str());
  EXPECT_TRUE(log::configure(shared));
  EXPECT_TRUE(log::configure({}));
  for (const std::string& file : {path, other}) ::unlink(file.c_str());
  ::rmdir(folder.c_str());
}

TEST(Log, NeverWaitsForABlockedSinkAndCountsWhatItDrops) {
  const TemporaryFile file;
  ASSERT_EQ(::mkfifo(file.path().c_str(), 0600), 0);
  const int reader = ::open(file.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(log::configure({.level = log::Level::Info, .file = file.path()}));
  const std::uint64_t before = log::dropped();
  for (int i = 0; i < 5000; ++i) log::info("flood", {{"text", std::string(500, 'x')}});
  EXPECT_GT(log::dropped(), before);

  std::string read;
  std::vector<char> buffer(1 << 16);
  for (int idle = 0; idle < 2;) {
    const ssize_t n = ::read(reader, buffer.data(), buffer.size());
    idle = n > 0 ? 0 : idle + 1;
    if (n > 0) read.append(buffer.data(), static_cast<std::size_t>(n));
    log::flush();
  }
  ASSERT_TRUE(log::configure({}));
  ::close(reader);
  for (const std::string_view line : split(trim(read), '\n')) ASSERT_TRUE(parse_json(line)) << line;
  EXPECT_THAT(read, HasSubstr("\"event\":\"log.dropped\",\"lines\":"));
}

TEST(Log, KeepsLinesOfDifferentThreadsApart) {
  const log::Capture capture;
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) log::info("race", {{"thread", t}, {"i", i}});
    });
  }
  threads.clear();
  int lines = 0;
  const std::string text = capture.text();
  for (const std::string_view line : split(trim(text), '\n')) {
    ASSERT_TRUE(parse_json(line));
    ++lines;
  }
  EXPECT_EQ(lines, 800);
}

TEST(LogCounted, LogsTheFirstAndCountsTheRest) {
  const log::Capture capture;
  log::Counted refused(log::Level::Info, "client.refused");
  for (int i = 0; i < 10; ++i) refused.hit({{"i", i}});
  EXPECT_THAT(capture.text(), HasSubstr("\"event\":\"client.refused\",\"i\":0}"));
  EXPECT_THAT(capture.text(), Not(HasSubstr("\"i\":1}")));
  log::flush();
  EXPECT_THAT(capture.text(), HasSubstr("\"event\":\"client.refused\",\"repeated\":9}"));
}

}  // namespace
}  // namespace sluice
