// SPDX-License-Identifier: Apache-2.0
#include "control/platform/console_files.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"
#include "store/store_fixture.h"

namespace sluice::control::platform {
namespace {

using testing::HasSubstr;

class ConsoleFilesTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    const std::filesystem::path path(folder / name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  admin::Reply get(std::string_view path, std::string_view encodings = {}, std::string_view known = {}) {
    admin::FakeStream stream(reactor, "GET", path, "");
    if (!encodings.empty()) stream.request().headers.add("Accept-Encoding", encodings);
    if (!known.empty()) stream.request().headers.add("If-None-Match", known);
    return rt::run(reactor, files.answer(stream.request()));
  }
  static std::string header(const admin::Reply& reply, std::string_view name) {
    for (const auto& [key, value] : reply.headers) {
      if (key == name) return value;
    }
    return {};
  }

  store::TempFolder folder;
  rt::Reactor reactor;
  ConsoleFiles files{folder.path(), reactor};
};

TEST_F(ConsoleFilesTest, PlacesWithinTheConsoleGetItsIndexUncached) {
  write("index.html", "<p>console</p>");
  for (const char* path : {"/", "/index.html", "/control-planes/x/services", "/control-planes/x/history/1.42"}) {
    const auto reply = get(path);
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_EQ(reply.body, "<p>console</p>");
    EXPECT_EQ(header(reply, "Cache-Control"), "no-store");
    EXPECT_THAT(header(reply, "Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
  }
}

TEST_F(ConsoleFilesTest, NamesWithADigestAreKeptForEver) {
  write("assets/app-1a2b.js", "1");
  const auto reply = get("/assets/app-1a2b.js");
  EXPECT_EQ(header(reply, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(reply.content_type, "text/javascript; charset=utf-8");
}

TEST_F(ConsoleFilesTest, TheBestCopyThatTheClientTakesIsSent) {
  write("assets/a.css", "plain");
  write("assets/a.css.gz", "gzipped");
  write("assets/a.css.br", "brotli");
  EXPECT_EQ(get("/assets/a.css").body, "plain");
  EXPECT_EQ(get("/assets/a.css", "gzip, deflate").body, "gzipped");
  const auto reply = get("/assets/a.css", "gzip, br;q=0.5");
  EXPECT_EQ(reply.body, "brotli");
  EXPECT_EQ(header(reply, "Content-Encoding"), "br");
  EXPECT_EQ(header(reply, "Vary"), "Accept-Encoding");
  EXPECT_EQ(reply.content_type, "text/css; charset=utf-8");
  EXPECT_EQ(get("/assets/a.css", "br;q=0").body, "plain");
}

TEST_F(ConsoleFilesTest, WhatTheClientHasIsNotSentAgain) {
  write("assets/a.js", "1");
  const std::string etag = header(get("/assets/a.js"), "ETag");
  const auto again = get("/assets/a.js", "", etag);
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
}

TEST_F(ConsoleFilesTest, AMissingFileIsMissing) {
  write("index.html", "x");
  EXPECT_EQ(get("/assets/gone.js").status, 404);
}

TEST_F(ConsoleFilesTest, NothingLeadsOutOfTheFolder) {
  write("index.html", "x");
  for (const char* path : {"/../etc/passwd", "/%2e%2e/etc/passwd", "/.hidden", "/assets/%00.js", "//etc/passwd.x"}) {
    EXPECT_NE(get(path).status, 200) << path;
  }
}

TEST_F(ConsoleFilesTest, WithoutFilesAPageSaysWhatToDo) {
  ConsoleFiles none("", reactor);
  admin::FakeStream stream(reactor, "GET", "/", "");
  const auto reply = rt::run(reactor, none.answer(stream.request()));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("console_path"));
}

}  // namespace
}  // namespace sluice::control::platform
