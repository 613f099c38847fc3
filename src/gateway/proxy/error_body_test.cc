// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/error_body.h"

#include <string>

#include <gtest/gtest.h>

#include "base/json.h"

namespace sluice::gateway {
namespace {

std::string type_for(std::string_view accept, std::string_view fallback = "text/plain") {
  const ErrorBody body = error_body(accept, fallback, "m", "id");
  return std::string(body.content_type.substr(0, body.content_type.find(';')));
}

TEST(ErrorBody, FollowsAccept) {
  EXPECT_EQ(type_for("application/json"), "application/json");
  EXPECT_EQ(type_for("text/html"), "text/html");
  EXPECT_EQ(type_for("application/xml"), "application/xml");
  EXPECT_EQ(type_for("text/plain"), "text/plain");
  EXPECT_EQ(type_for("*/*"), "application/json");
  EXPECT_EQ(type_for("TEXT/HTML"), "text/html");
}

TEST(ErrorBody, TakesTheBestQualityAndTheFirstOfEqualOnes) {
  EXPECT_EQ(type_for("application/json;q=0.5, text/html;q=0.9"), "text/html");
  EXPECT_EQ(type_for("text/html, application/json"), "text/html");
  EXPECT_EQ(type_for("image/png, application/xml;q=0.1"), "application/xml");
  EXPECT_EQ(type_for("text/html ; q=0, text/plain;q=0.001"), "text/plain");
}

TEST(ErrorBody, FallsBackWhereNothingMatches) {
  EXPECT_EQ(type_for("", "application/json"), "application/json");
  EXPECT_EQ(type_for("image/png", "text/html"), "text/html");
  EXPECT_EQ(type_for("garbage;;;,,,=", "text/plain"), "text/plain");
}

TEST(ErrorBody, EscapesTheMessageForItsFormat) {
  const std::string message = "<b>\"&\" \n";
  auto json = parse_json(error_body("application/json", "", message, "42").text);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->find("message")->as_string(), message);
  EXPECT_EQ(json->find("request_id")->as_string(), "42");
  for (const char* accept : {"text/html", "text/xml"}) {
    const std::string text = error_body(accept, "", message, "42").text;
    EXPECT_NE(text.find("&lt;b&gt;&quot;&amp;&quot;"), std::string::npos) << text;
    EXPECT_EQ(text.find("<b>"), std::string::npos);
    EXPECT_NE(text.find("42"), std::string::npos);
  }
}

TEST(ErrorBody, HasATextForEveryStatusThatTheGatewaySends) {
  for (int status :
       {400, 401, 403, 404, 405, 408, 411, 413, 414, 417, 426, 429, 431, 494, 500, 501, 502, 503, 504, 505}) {
    EXPECT_EQ(default_message(status).find("responded with"), std::string::npos) << status;
  }
}

TEST(ErrorBody, NamesAStatusThatHasNoText) {
  EXPECT_EQ(default_message(499), "The upstream server responded with 499");
}

TEST(ErrorTemplate, TakesTheMessageAndTheRequestsIdInItsPlaceholders) {
  auto made = ErrorTemplate::parse("<p>%s</p> 100%% <i>%s</i>");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->fill("m", "id"), "<p>m</p> 100% <i>id</i>");
  EXPECT_EQ(ErrorTemplate::parse("only %s")->fill("m", "id"), "only m");
}

TEST(ErrorTemplate, RefusesOtherPlaceholdersAndCounts) {
  for (const char* text : {"none", "%s %s %s", "%d %s", "%s %"}) EXPECT_FALSE(ErrorTemplate::parse(text)) << text;
  EXPECT_FALSE(ErrorTemplate::parse("")->is_set());
}

TEST(ErrorBody, UsesTheTemplateOfItsFormatAndEscapesForIt) {
  ErrorTemplates templates;
  templates.html = *ErrorTemplate::parse("<b>%s</b>");
  templates.json = *ErrorTemplate::parse("{\"code\":\"%s\",\"id\":\"%s\"}");
  EXPECT_EQ(error_body("text/html", "", "<&>", "id", &templates).text, "<b>&lt;&amp;&gt;</b>");
  auto json = parse_json(error_body("application/json", "", "say \"no\"", "42", &templates).text);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->find("code")->as_string(), "say \"no\"");
  EXPECT_EQ(json->find("id")->as_string(), "42");
  EXPECT_EQ(error_body("text/plain", "", "m", "id", &templates).text, "m\nrequest_id: id\n");
}

}  // namespace
}  // namespace sluice::gateway
