// SPDX-License-Identifier: Apache-2.0
#include "gateway/pipeline/pipeline.h"

#include <string>

#include "gateway/gateway_fixture.h"
#include "rt/test_loop.h"

namespace sluice::gateway {
namespace {

class PipelineTest : public testing::Test, protected Generations {
 protected:
  /// Runs the request phase for `user`; "" sends no X-User.
  std::string request_trail(std::string_view user) {
    ex.directory = current.get();
    ex.request.scheme = "http";
    ex.request.headers.clear();
    ex.authenticated = {};
    if (!user.empty()) ex.request.headers.add("X-User", user);
    pipeline.emplace(cache, *current);
    pipeline->begin(current->routes_by_id.find(test_uuid(1))->get());
    Verdict verdict = rt::run(host.reactor, pipeline->request(ex));
    return trail(ex.request.headers) + (verdict.is_reply() ? std::to_string(verdict.reply().status) : "");
  }
  static std::string trail(const http::Headers& headers) {
    std::string text;
    for (const http::Field& field : headers) {
      if (field.name == "X-Trail") text.append(field.value).append(" ");
    }
    return text;
  }

  TestHost host;
  PlanCache cache{host.host};
  Arena arena;
  http::RequestHead head{arena};
  Exchange ex{host.reactor, arena, head};
  std::optional<Pipeline> pipeline;
};

const std::string kBase = "services:\n- {id: " + test_id(2) + ", host: up.test}\nroutes:\n- {id: " + test_id(1) +
                          ", paths: [/a], service: {id: " + test_id(2) + "}}\nconsumers:\n- {id: " + test_id(3) +
                          ", username: bob}\n- {id: " + test_id(4) + ", username: eve}\nplugins:\n";

std::string plugin(std::string_view name, std::string_view value, std::string_view more = {}) {
  return "- {name: " + std::string(name) + ", config: {value: " + std::string(value) + "}" + std::string(more) + "}\n";
}
const std::string kForBob = ", consumer: {id: " + test_id(3) + "}";

TEST_F(PipelineTest, RunsEveryPluginInOrder) {
  load(kBase + plugin("mark-late", "late") + plugin("mark-early", "early"));
  EXPECT_EQ(request_trail(""), "early late ");
}

TEST_F(PipelineTest, FollowsAnAuthenticatedConsumerToItsRows) {
  load(kBase + plugin("identify", "x") + plugin("mark-late", "everyone") + plugin("mark-late", "bob", kForBob));
  EXPECT_EQ(request_trail("bob"), "bob ");
  EXPECT_EQ(request_trail("eve"), "everyone ");
}

TEST_F(PipelineTest, DoesNotGoBackForRowsThatRunBeforeTheAuthentication) {
  load(kBase + plugin("identify", "x") + plugin("mark-early", "everyone") + plugin("mark-early", "bob", kForBob) +
       plugin("mark-late", "late"));
  EXPECT_EQ(request_trail("bob"), "everyone late ");
  (void)rt::run(host.reactor, pipeline->response(ex));
  EXPECT_EQ(trail(ex.response.headers), "everyone late ");
}

TEST_F(PipelineTest, KeepsThePlanOfAConsumerWhoseRowsCameTooLate) {
  load(kBase + plugin("identify", "x") + plugin("mark-early", "everyone") + plugin("mark-early", "bob", kForBob) +
       plugin("mark-late", "late"));
  request_trail("bob");
  const Rc<Plan> first(*pipeline->plan());
  EXPECT_EQ(request_trail("bob"), "everyone late ");
  EXPECT_EQ(pipeline->plan(), first.get());
  request_trail("");
  EXPECT_NE(pipeline->plan(), first.get());
}

TEST_F(PipelineTest, ForgetsSuchAPlanWithItsPolicies) {
  load(kBase + plugin("identify", "x") + plugin("mark-early", "everyone") + plugin("mark-early", "bob", kForBob));
  request_trail("bob");
  const Rc<Plan> kept(*pipeline->plan());
  pipeline.reset();
  load(kBase + plugin("identify", "x") + plugin("mark-early", "everyone"));
  cache.sweep(*current);
  EXPECT_EQ(kept.use_count(), 1U);
}

TEST_F(PipelineTest, EndsTheRequestPhaseWithAReply) {
  load(kBase + plugin("mark-early", "early") + plugin("identify", "x") + plugin("mark-late", "late"));
  EXPECT_EQ(request_trail("nobody"), "early 401");
}

TEST_F(PipelineTest, RunsResponseHooksOfTheConsumersPlan) {
  load(kBase + plugin("identify", "x") + plugin("mark-late", "everyone") + plugin("mark-late", "bob", kForBob));
  request_trail("bob");
  EXPECT_FALSE(rt::run(host.reactor, pipeline->response(ex)).is_reply());
  EXPECT_EQ(trail(ex.response.headers), "bob ");
}

TEST_F(PipelineTest, RunsResponseHooksAlsoAfterAReply) {
  load(kBase + plugin("answer", "done") + plugin("mark-late", "late"));
  EXPECT_EQ(request_trail(""), "late 200");
  (void)rt::run(host.reactor, pipeline->response(ex));
  EXPECT_EQ(trail(ex.response.headers), "late ");
}

TEST_F(PipelineTest, RunsOnlyGlobalRowsWhereNoRouteMatched) {
  load(kBase + plugin("mark-early", "global") + plugin("mark-late", "route", ", route: {id: " + test_id(1) + "}"));
  pipeline.emplace(cache, *current);
  pipeline->begin(nullptr);
  ex.request.scheme = "http";
  (void)rt::run(host.reactor, pipeline->response(ex));
  EXPECT_EQ(trail(ex.response.headers), "global ");
}

TEST_F(PipelineTest, RunsRowsOfAnyHttpProtocol) {
  load(kBase + plugin("mark-early", "tls", ", protocols: [https]") +
       plugin("mark-late", "plain", ", protocols: [http]"));
  EXPECT_EQ(request_trail(""), "tls plain ");
}

}  // namespace
}  // namespace sluice::gateway
