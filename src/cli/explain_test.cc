// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/gateway/fake_admin_fixture.h"

namespace sluice::cli {
namespace {

using testing::HasSubstr;

/// What comes of asking a server that answers so.
Result<Json> ask(FakeReply reply, FakeRequest* asked = nullptr) {
  FakeAdmin admin([&](const FakeRequest& request) {
    if (asked != nullptr) *asked = request;
    return reply;
  });
  GatewayArguments where;
  where.address = admin.url();
  return ask_gateway(where, {"GET", "http://a.test/x?y=1&z", {{"X-Canary", "yes"}}, "192.0.2.1"});
}

TEST(Explain, AsksInTheBodySoThatNoAccessLogHasTheHeaders) {
  FakeRequest asked;
  ASSERT_TRUE(ask({200, R"({"route":null})"}, &asked));
  EXPECT_EQ(asked.method + " " + asked.target, "POST /explain");
  EXPECT_EQ(asked.body, R"({"method":"GET","url":"http://a.test/x?y=1&z","client_ip":"192.0.2.1",)"
                        R"("headers":["X-Canary: yes"]})");
}

TEST(Explain, SaysWhatToTryWhenItGetsNoExplanation) {
  EXPECT_THAT(ask({403, R"({"message":"Forbidden"})"}).error().what, HasSubstr("see --token"));
  EXPECT_THAT(ask({404, R"({"message":"Not found"})"}).error().what, HasSubstr("not the Admin API of Sluice"));
  EXPECT_THAT(ask({200, R"({"hello":"world"})"}).error().what, HasSubstr("does not answer as the Admin API"));
  GatewayArguments nowhere;
  nowhere.address = "http://127.0.0.1:1";
  EXPECT_THAT(ask_gateway(nowhere, {"GET", "http://a.test/", {}}).error().what, HasSubstr("--declarative FILE"));
}

TEST(Explain, ShowsWhatItDoesNotKnowWithoutStumbling) {
  const auto odd = parse_json(R"({"route":7,"candidates":{},"plugins":[{"name":"a"}],"upstream":{"host":"h"}})");
  const std::string text = explanation_text(*odd);
  EXPECT_THAT(text, HasSubstr("route    7\n"));
  EXPECT_THAT(text, HasSubstr("  a "));
  EXPECT_THAT(text, HasSubstr("(none)://h:(none)"));
}

}  // namespace
}  // namespace sluice::cli
