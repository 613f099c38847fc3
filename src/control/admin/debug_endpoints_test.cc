// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/log.h"
#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::HasSubstr;

class DebugTest : public AdminTest {
 protected:
  DebugTest() : AdminTest(Storage::Sqlite) { log::set_level(settings.log_level); }
  ~DebugTest() override { log::set_level(log::Level::Notice); }

  std::string level() { return get("/debug/node/log-level")->json().find("message")->as_string(); }
  Exchange change(const std::string& wanted) { return send("PUT", "/debug/node/log-level/" + wanted); }
};

TEST_F(DebugTest, ALevelIsChangedForAWhile) {
  EXPECT_EQ(change("debug?timeout=1")->text, R"({"message":"log level changed"})");
  EXPECT_EQ(level(), "log level: debug");
  rt::turn_until(reactor, [&] { return !log::enabled(log::Level::Debug); });
  EXPECT_EQ(level(), "log level: " + std::string(log::to_string(settings.log_level)));
}

TEST_F(DebugTest, ALaterChangeIsNotEndedByTheOneBefore) {
  EXPECT_EQ(change("debug?timeout=1")->status, 200);
  EXPECT_EQ(change("warn?timeout=0")->status, 200);
  const std::int64_t until = reactor.clock().mono_ms() + 1200;
  rt::turn_until(reactor, [&] { return reactor.clock().mono_ms() > until; });
  EXPECT_EQ(level(), "log level: warn");
}

TEST_F(DebugTest, WhatIsNoLevelOrNoTimeIsRefused) {
  EXPECT_EQ(change("loud")->text, R"({"message":"unknown log level: loud"})");
  EXPECT_EQ(change("debug?timeout=-1")->status, 400);
  EXPECT_EQ(change("debug?timeout=x")->status, 400);
}

TEST_F(DebugTest, WhatThereIsNotIsSaidAsClientsExpect) {
  EXPECT_EQ(remove("/cache")->status, 204);
  EXPECT_EQ(get("/cache/k")->status, 404);
  EXPECT_EQ(get("/clustering/data-planes")->status, 400);
  for (const std::string_view path : {"/filter-chains", "/filter-chains/x", "/filter-chains/x/service",
                                      "/routes/r/filter-chains/x", "/services/s/filter-chains"}) {
    EXPECT_EQ(get(path)->status, 400) << path;
    EXPECT_EQ(post(path, R"({"filters":[]})")->status, 400) << path;
    EXPECT_EQ(remove(path)->status, 400) << path;
  }
  EXPECT_EQ(get("/schemas/filters/f")->text, R"({"message":"No filter named 'f'"})");
  EXPECT_THAT(get("/timers")->text, HasSubstr(R"("worker":{"id":0,"count":1})"));
}

}  // namespace
}  // namespace sluice::control::admin
