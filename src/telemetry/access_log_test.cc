// SPDX-License-Identifier: Apache-2.0
#include "telemetry/access_log.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::telemetry {
namespace {

constexpr std::string_view kTime = "21/Nov/2026:10:38:44 +0000";

AccessEntryView sample() {
  return {.address = *IpAddress::parse("192.0.2.4"),
          .authorization = {},
          .method = "GET",
          .target = "/a?b=1",
          .version = "HTTP/1.1",
          .status = 200,
          .body_octets = 701,
          .referer = {},
          .user_agent = "curl/8",
          .request_id = "9d2c1e0f5a6b7c8d9e0f1a2b3c4d5e6f"};
}

std::string line_of(const AccessEntryView& entry) {
  std::string line;
  append_access_line(line, entry, kTime);
  return line;
}

TEST(AccessLog, WritesTheCombinedFormatAndTheRequestId) {
  EXPECT_EQ(line_of(sample()),
            "192.0.2.4 - - [21/Nov/2026:10:38:44 +0000] \"GET /a?b=1 HTTP/1.1\" 200 701 \"-\" \"curl/8\" "
            "kong_request_id: \"9d2c1e0f5a6b7c8d9e0f1a2b3c4d5e6f\"\n");
}

TEST(AccessLog, ShowsTheUserOfBasicCredentialsOnly) {
  auto entry = sample();
  entry.authorization = "Basic YW5uOnNlY3JldA==";
  EXPECT_THAT(line_of(entry), ::testing::StartsWith("192.0.2.4 - ann ["));
  EXPECT_THAT(line_of(entry), ::testing::Not(::testing::HasSubstr("secret")));
  entry.authorization = "Bearer YW5uOnNlY3JldA==";
  EXPECT_THAT(line_of(entry), ::testing::StartsWith("192.0.2.4 - - ["));
}

TEST(AccessLog, EscapesWhatCouldForgeALine) {
  auto entry = sample();
  entry.user_agent = "x\" 200\n127.0.0.1\\\x1b[0m\xc3\xa4";
  EXPECT_THAT(line_of(entry), ::testing::HasSubstr(R"("x\x22 200\x0A127.0.0.1\x5C\x1B[0m\xC3\xA4" kong)"));
}

TEST(AccessLog, WritesSixthVersionAddresses) {
  auto entry = sample();
  entry.address = *IpAddress::parse("2001:db8::1");
  EXPECT_THAT(line_of(entry), ::testing::StartsWith("2001:db8::1 - "));
}

TEST(AccessLog, FlushesAfterItsDelay) {
  auto path = std::filesystem::temp_directory_path() / ("sluice-access-" + std::to_string(::getpid()));
  auto* clock = new rt::ManualClock;
  rt::Reactor reactor{std::unique_ptr<rt::Clock>(clock)};
  FileWriter writer;
  AccessLog log(reactor, writer, path.string(), {.flush_ms = 100});
  log.write(sample());
  reactor.run_once(0);
  ASSERT_TRUE(writer.flush(5000));
  EXPECT_FALSE(std::filesystem::exists(path));
  clock->advance_ms(101);
  reactor.run_once(0);
  ASSERT_TRUE(writer.flush(5000));
  std::ifstream in(path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(text, ::testing::EndsWith("kong_request_id: \"9d2c1e0f5a6b7c8d9e0f1a2b3c4d5e6f\"\n"));
  std::filesystem::remove(path);
}

TEST(AccessLog, CostsLittle) {
  auto entry = sample();
  entry.user_agent =
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36";
  std::string out;
  constexpr int kLines = 20000;
  auto started = std::chrono::steady_clock::now();
  for (int i = 0; i < kLines; ++i) {
    if (i % 100 == 0) out.clear();
    append_access_line(out, entry, kTime);
  }
  auto each = (std::chrono::steady_clock::now() - started) / kLines;
  RecordProperty("nanoseconds_per_line", static_cast<int>(each.count()));
  EXPECT_LT(each, std::chrono::microseconds(10));  // the figure proper is 300 ns in a release build
}

TEST(StreamLog, WritesTheBasicFormat) {
  std::string line;
  append_access_line(line,
                     StreamEntryView{.address = *IpAddress::parse("192.0.2.4"),
                                     .protocol = "UDP",
                                     .status = 200,
                                     .sent = 843,
                                     .received = 120,
                                     .session_ms = 60'035},
                     "21/Nov/2026:10:38:44 +0000");
  EXPECT_EQ(line, "192.0.2.4 [21/Nov/2026:10:38:44 +0000] UDP 200 843 120 60.035\n");
}

}  // namespace
}  // namespace sluice::telemetry
