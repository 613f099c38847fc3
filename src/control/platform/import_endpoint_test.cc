// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ctime>
#include <map>

#include <gmock/gmock.h>

#include "control/platform/kong_reader.h"
#include "control/platform/platform_fixture.h"

namespace sluice::control::platform {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kService = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* kUpstream = "aaaaaaaa-0000-4000-8000-000000000002";
constexpr const char* kGroup = "aaaaaaaa-0000-4000-8000-000000000003";
constexpr const char* kConsumer = "aaaaaaaa-0000-4000-8000-000000000004";

/// Answers paths of http://kong:8001 with what a test says; everything else is not there.
class FakeKong final : public http::Client {
 public:
  Task<Result<http::ClientResponse>> send(http::ClientRequest request, rt::Deadline) override {
    asked.push_back(request.url);
    for (const auto& [name, value] : request.headers) {
      if (name == "Kong-Admin-Token") token = value;
    }
    if (down) return Result<http::ClientResponse>(fail(Errc::Refused, "connection refused", Blame::Upstream));
    const std::string path = request.url.substr(std::string_view("http://kong:8001").size());
    const auto found = answers.find(path);
    http::ClientResponse response;
    response.status = found == answers.end() ? 404 : status;
    response.body = found == answers.end() ? R"({"message":"Not found"})" : found->second;
    return Result<http::ClientResponse>(std::move(response));
  }

  /// Every Kong has services and routes.
  std::map<std::string, std::string> answers{{"/services?size=1000", R"({"data":[]})"},
                                             {"/routes?size=1000", R"({"data":[]})"}};
  std::vector<std::string> asked;
  std::string token;
  int status = 200;
  bool down = false;
};

class ImportTest : public PlatformTest {
 protected:
  FakeKong kong;
  PlatformServer importing{Parts{.planes = process.planes,
                                 .catalog = process.catalog,
                                 .settings = settings,
                                 .plugins = {},
                                 .node = {"99999999-9999-4999-8999-999999999999", "host", "0.3.0"},
                                 .console = {},
                                 .outside = &kong},
                           reactor};

  Exchange import(const std::string& body) {
    auto stream = std::make_unique<admin::FakeStream>(reactor, "POST", local() + "/import-source", body);
    stream->request().headers.add("Content-Type", "application/json");
    rt::Task<void> task = importing.handle(*stream);
    task.start();
    EXPECT_TRUE(rt::turn_until(reactor, [&] { return task.ready(); }));
    return stream;
  }
  Exchange import() { return import(R"({"admin_url":"http://kong:8001/","admin_token":"secret"})"); }
};

std::string page(const std::string& entries, const std::string& more = "") {
  return R"({"data":[)" + entries + "]" + more + "}";
}

TEST_F(ImportTest, ReadsListsPageByPage) {
  const std::string id = kService;
  kong.answers["/services?size=1000"] =
      page(R"({"id":")" + id + R"(","name":"a","host":"h","created_at":1,"path":null,"of_a_later_release":1})",
           R"(,"offset":"t/2","next":"http://evil.test/services?offset=t%2F2")");
  kong.answers["/services?size=1000&offset=t%2F2"] = page(R"({"name":"b","host":"h"})", R"(,"next":null)");
  const auto reply = import();
  ASSERT_EQ(reply->status, 200) << reply->text;
  const Json body = *parse_json(reply->text);
  const auto& services = body.find("upsert")->find("services")->as_array();
  ASSERT_EQ(services.size(), 2U);
  EXPECT_EQ(*services[0].find("id"), Json(id));
  EXPECT_EQ(services[0].find("path"), nullptr);
  EXPECT_EQ(services[0].find("created_at"), nullptr);
  EXPECT_EQ(services[0].find("of_a_later_release"), nullptr);
  EXPECT_EQ(*services[1].find("name"), Json("b"));
  EXPECT_THAT(kong.asked, Each(StartsWith("http://kong:8001/")));
  EXPECT_EQ(kong.token, "secret");
}

TEST_F(ImportTest, ReadsWhatStandsBelowOthers) {
  kong.answers["/upstreams/" + std::string(kUpstream) + "/targets?size=1000"] = page(R"({"target":"10.0.0.1:80"})");
  const std::string other = "aaaaaaaa-0000-4000-8000-000000000009";
  kong.answers["/upstreams?size=1000"] =
      page(R"({"id":")" + std::string(kUpstream) + R"(","name":"u"},{"id":")" + other + R"(","name":"v"})");
  kong.answers["/upstreams/" + other + "/targets?size=1000"] = page(R"({"target":"10.0.0.2:80"})");
  kong.answers["/consumer_groups?size=1000"] = page(R"({"id":")" + std::string(kGroup) + R"(","name":"gold"})");
  kong.answers["/consumer_groups/" + std::string(kGroup) + "/consumers?size=1000"] =
      R"({"consumers":[{"id":")" + std::string(kConsumer) + R"("}]})";
  const auto reply = import();
  ASSERT_EQ(reply->status, 200) << reply->text;
  const Json body = *parse_json(reply->text);
  const Json& found = *body.find("upsert");
  EXPECT_EQ(found.find("targets")->as_array().size(), 2U);
  const Json& membership = found.find("consumer_group_consumers")->as_array().front();
  EXPECT_EQ(*membership.find("consumer")->find("id"), Json(kConsumer));
  EXPECT_EQ(membership.find("id"), nullptr);
}

TEST_F(ImportTest, TakesOnlyAddressesOfHttp) {
  for (const char* url : {"", "file:///etc/passwd", "gopher://kong", "http://", "http://user:password@kong:8001",
                          "http://kong:8001/?a=b", "http://kong:8001/#x", "http://kong\\r\\nX: y", "kong:8001"}) {
    EXPECT_EQ(import(R"({"admin_url":")" + std::string(url) + "\"}")->status, 400) << url;
  }
  EXPECT_THAT(kong.asked, testing::IsEmpty());
}

TEST_F(ImportTest, SaysWhatCouldNotBeReadAndNothingOfTheAnswer) {
  kong.answers["/services?size=1000"] = "internal secret";
  auto reply = import();
  EXPECT_EQ(reply->status, 502);
  EXPECT_THAT(reply->text, HasSubstr("/services: answered no JSON"));
  EXPECT_THAT(reply->text, Not(HasSubstr("internal secret")));
  kong.status = 401;
  EXPECT_THAT(import()->text, HasSubstr("answered 401"));
  kong.down = true;
  EXPECT_THAT(import()->text, HasSubstr("connection refused"));
}

TEST_F(ImportTest, WhatIsNoKongIsNotTakenForAnEmptyOne) {
  kong.answers.clear();
  const auto reply = import();
  EXPECT_EQ(reply->status, 502);
  EXPECT_THAT(reply->text, HasSubstr("answered 404"));
}

TEST_F(ImportTest, AListThatBreaksOffIsNotTakenForWhole) {
  kong.answers["/services?size=1000"] = page(R"({"name":"a","host":"h"})", R"(,"offset":"next")");
  EXPECT_EQ(import()->status, 502);
}

TEST_F(ImportTest, AListThatNeverEndsIsLeft) {
  kong.answers["/services?size=1000"] = page("", R"(,"offset":"same")");
  kong.answers["/services?size=1000&offset=same"] = page("", R"(,"offset":"same")");
  EXPECT_THAT(import()->text, HasSubstr("has no end"));
}

TEST_F(ImportTest, IdsThatAreNoneBecomeNoPartOfAPath) {
  kong.answers["/upstreams?size=1000"] = page(R"({"id":"../../secret","name":"u"})");
  import();
  EXPECT_THAT(kong.asked, Not(Contains(HasSubstr(".."))));
}

/// What this thread, or the whole process, has had of a processor: a busy machine adds nothing to that.
double cpu_seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// The most that this thread works between two looks at the clock.
Task<void> watch(rt::Reactor& reactor, bool& over, double& longest) {
  double last = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  while (!over) {
    co_await rt::Sleep(reactor, reactor.after_ms(1));
    const double now = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    longest = std::max(longest, now - last);
    last = now;
  }
}

TEST_F(ImportTest, WhatIsReadKeepsNobodyElseWaiting) {
  std::string entries;
  for (int i = 0; i < 20'000; ++i) {
    entries += (i == 0 ? "" : ",") + std::string(R"({"host":"h","name":"s)") + std::to_string(i) + "\"}";
  }
  kong.answers["/services?size=1000"] = page(entries);
  bool over = false;
  double longest = 0;
  Task<void> watcher = watch(reactor, over, longest);
  watcher.start();
  const double start = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const auto reply = import();
  const double took = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - start;
  over = true;
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return watcher.ready(); }));
  EXPECT_EQ(reply->status, 200);
  EXPECT_THAT(reply->text, HasSubstr("s19999"));
  EXPECT_LT(longest, took / 2) << "of " << took << " s that it took";
}

TEST_F(ImportTest, NeedsAControlPlane) {
  EXPECT_EQ(send("POST", "/v2/control-planes/99999999-0000-4000-8000-000000000001/import-source", "{}")->status, 404);
  EXPECT_EQ(send("POST", local() + "/import-source", R"({"admin_url":"http://kong:8001"})")->status, 503);
}

}  // namespace
}  // namespace sluice::control::platform
