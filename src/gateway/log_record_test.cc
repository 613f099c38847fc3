// SPDX-License-Identifier: Apache-2.0
#include "gateway/log_record.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "base/json.h"
#include "entity/route.h"
#include "entity/service.h"

namespace sluice::gateway {
namespace {

/// Knows nobody; requests of a workspace of its own.
class EmptyDirectory final : public Directory {
 public:
  [[nodiscard]] const Credential* credential(std::string_view, std::string_view) const override { return nullptr; }
  [[nodiscard]] const Consumer* consumer(const Uuid&) const override { return nullptr; }
  [[nodiscard]] const Consumer* consumer_by_username(std::string_view) const override { return nullptr; }
  [[nodiscard]] std::string_view consumer_group_name(const Uuid&) const override { return {}; }
  [[nodiscard]] WorkspaceView workspace() const override { return named ? *named : Directory::workspace(); }

  std::optional<WorkspaceView> named;
};

class LogRecordTest : public ::testing::Test {
 protected:
  LogRecordTest() : reactor_(std::make_unique<rt::ManualClock>()), head_(arena_) {
    head_.method = "POST";
    head_.target = "/pets/7?x=1&flag&l=a&l=b%20c";
    head_.path = "/pets/7";
    head_.query = "x=1&flag&l=a&l=b%20c";
    head_.has_query = true;
    ex_ = std::make_unique<Exchange>(reactor_, arena_, head_);
    ex_->directory = &directory_;
    ex_->request.method = head_.method;
    ex_->request.query = head_.query;
    ex_->request.scheme = "https";
    ex_->request.host = "api.test";
    ex_->request.port = 8443;
    ex_->client.forwarded_address = *IpAddress::parse("192.0.2.4");
    std::fill(ex_->record.request_id.begin(), ex_->record.request_id.end(), 'a');
    ex_->record.status = 200;
    ex_->record.started_wall_ms = 1764000000117;
  }

  Json record() {
    std::string text;
    append_log_record(text, *ex_);
    auto parsed = parse_json(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : Json();
  }
  /// The value at a dotted path, as JSON text; "absent" when there is none.
  std::string at(std::string_view path) {
    Json document = record();
    const Json* value = &document;
    while (value != nullptr && !path.empty()) {
      std::size_t dot = path.find('.');
      value = value->find(path.substr(0, dot));
      path = dot == path.npos ? std::string_view() : path.substr(dot + 1);
    }
    return value == nullptr ? "absent" : to_json(*value);
  }

  Arena arena_;
  rt::Reactor reactor_;
  http::RequestHead head_;
  EmptyDirectory directory_;
  std::unique_ptr<Exchange> ex_;
};

TEST_F(LogRecordTest, DescribesTheRequest) {
  ex_->record.request_size = 312;
  EXPECT_EQ(at("request.id"), '"' + std::string(32, 'a') + '"');
  EXPECT_EQ(at("request.method"), R"("POST")");
  EXPECT_EQ(at("request.uri"), R"("/pets/7?x=1&flag&l=a&l=b%20c")");
  EXPECT_EQ(at("request.url"), R"("https://api.test:8443/pets/7?x=1&flag&l=a&l=b%20c")");
  EXPECT_EQ(at("request.size"), "312");
  EXPECT_EQ(at("request.tls"), "absent");
}

TEST_F(LogRecordTest, DecodesTheQueryString) {
  EXPECT_EQ(at("request.querystring"), R"({"flag":true,"l":["a","b c"],"x":"1"})");
  ex_->request.query = {};
  EXPECT_EQ(at("request.querystring"), "{}");
}

TEST_F(LogRecordTest, JoinsRepeatedHeadersAndHidesCredentials) {
  auto& headers = ex_->request.headers;
  headers.add("X-Multi", "1");
  headers.add("Authorization", "Basic c2VjcmV0");
  headers.add("x-multi", "2");
  headers.add("Proxy-Authorization", "x");
  EXPECT_EQ(at("request.headers"),
            R"({"x-multi":["1","2"],"authorization":"REDACTED","proxy-authorization":"REDACTED"})");
}

TEST_F(LogRecordTest, ShowsTlsOnlyWhereThereIsSome) {
  ex_->client.tls = true;
  ex_->client.tls_version = "TLSv1.3";
  ex_->client.tls_cipher = "TLS_AES_256_GCM_SHA384";
  EXPECT_EQ(at("request.tls"), R"({"version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","client_verify":"NONE"})");
}

TEST_F(LogRecordTest, ShowsAnAnswerOfTheGatewayItself) {
  ex_->record.status = 401;
  ex_->record.started_ns = 1'000'000'000;
  ex_->record.head_sent_ns = 1'004'000'000;
  ex_->record.finished_ns = 1'005'000'000;
  EXPECT_EQ(at("source"), R"("kong")");
  EXPECT_EQ(at("upstream_status"), R"("")");
  EXPECT_EQ(at("upstream_uri"), R"("")");
  EXPECT_EQ(at("tries"), "[]");
  EXPECT_EQ(at("latencies"), R"({"request":5,"kong":4,"proxy":-1,"receive":0})");
  EXPECT_EQ(at("response"), R"({"status":401,"size":0,"headers":{}})");
  for (const char* absent : {"route", "service", "consumer", "authenticated_entity", "correlation_id"}) {
    EXPECT_EQ(at(absent), "absent") << absent;
  }
}

TEST_F(LogRecordTest, ShowsEveryTryAndTheTimesOfTheLast) {
  auto& facts = ex_->record;
  facts.source = telemetry::RequestRecord::Source::Upstream;
  facts.started_ns = 1'000'000'000;
  facts.upstream_started_ns = 1'006'000'000;
  facts.upstream_head_ns = 1'055'000'000;
  facts.finished_ns = 1'058'000'000;
  facts.upstream_uri = "/7?x=1";
  facts.upstream_status = 200;
  facts.try_count = 2;
  facts.tries[0] = {.ip = *IpAddress::parse("10.1.0.9"),
                    .port = 8080,
                    .started_wall_ns = 1764000000123456000,
                    .balancer_ns = 21504,
                    .status = 502,
                    .failed = true};
  facts.tries[1] = facts.tries[0];
  facts.tries[1].status = 200;
  facts.tries[1].failed = false;
  EXPECT_EQ(at("source"), R"("upstream")");
  EXPECT_EQ(at("upstream_status"), R"("502, 200")");
  EXPECT_EQ(at("latencies"), R"({"request":58,"kong":6,"proxy":49,"receive":3})");
  EXPECT_EQ(at("tries"),
            R"([{"balancer_start":1764000000123,"balancer_start_ns":1764000000123456000,"balancer_latency":0,)"
            R"("balancer_latency_ns":21504,"ip":"10.1.0.9","port":8080,"state":"failed","code":502},)"
            R"({"balancer_start":1764000000123,"balancer_start_ns":1764000000123456000,"balancer_latency":0,)"
            R"("balancer_latency_ns":21504,"ip":"10.1.0.9","port":8080}])");
}

TEST_F(LogRecordTest, NamesTheEntitiesAndTheClient) {
  entity::Route route;
  route.name = "pets";
  entity::Service service;
  service.name = "pets-svc";
  service.host = "pets.internal";
  Consumer consumer;
  consumer.id_text = "2b7c";
  consumer.document = std::make_shared<const std::string>(R"({"id":"2b7c","username":"ann"})");
  ex_->route = &route;
  ex_->service = &service;
  ex_->authenticated.consumer = &consumer;
  ex_->authenticated.has_credential = true;
  ex_->authenticated.credential_id = "0f6c";
  EXPECT_EQ(at("route.name"), R"("pets")");
  EXPECT_EQ(at("service.host"), R"("pets.internal")");
  EXPECT_EQ(at("service.retries"), "5");
  EXPECT_EQ(at("consumer"), *consumer.document);
  EXPECT_EQ(at("authenticated_entity"), R"({"id":"0f6c","consumer_id":"2b7c"})");
  EXPECT_EQ(at("client_ip"), R"("192.0.2.4")");
  EXPECT_EQ(at("started_at"), "1764000000117");
  EXPECT_EQ(at("workspace"), R"("0dc6f45b-8f8d-40d2-a504-473544ee190b")");
  EXPECT_EQ(at("workspace_name"), R"("default")");
}

TEST_F(LogRecordTest, NamesTheWorkspaceOfTheRoute) {
  directory_.named = {*Uuid::parse("6f1a2b3c-0000-4000-8000-000000000001"), "team"};
  EXPECT_EQ(at("workspace"), R"("6f1a2b3c-0000-4000-8000-000000000001")");
  EXPECT_EQ(at("workspace_name"), R"("team")");
}

TEST_F(LogRecordTest, StaysValidJsonWhateverTheClientSent) {
  ex_->request.headers.add("X-Bad", "\xff\x01\"\\");
  ex_->request.query = "%ff=%00&a=%22";
  EXPECT_NE(at("request.headers"), "absent");
}

TEST_F(LogRecordTest, GivesTheAccessLogWhatTheClientSent) {
  ex_->request.headers.add("User-Agent", "curl");
  ex_->request.method = "GET";  // changed by a plugin
  ex_->record.response_body_size = 7;
  auto entry = access_entry(*ex_);
  EXPECT_EQ(entry.method, "POST");
  EXPECT_EQ(entry.target, head_.target);
  EXPECT_EQ(entry.version, "HTTP/1.1");
  EXPECT_EQ(entry.user_agent, "curl");
  EXPECT_EQ(entry.body_octets, 7U);
}

}  // namespace
}  // namespace sluice::gateway
