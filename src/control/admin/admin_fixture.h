// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "control/admin/admin_server.h"
#include "control/publish/publisher.h"
#include "entity/catalog_fixture.h"
#include "rt/test_loop.h"

namespace sluice::control::admin {

/// A gateway that takes everything, or finds the problems that a test gives it.
class FakeGateway final : public sync::LocalGateway {
 public:
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override {
    while (held) co_await rt::Sleep(*reactor, reactor->after_ms(1));
    deltas.push_back(delta);
    if (!problems.empty()) co_return std::unexpected(problems);
    if (commit) {
      Task<bool> step = commit();
      const bool committed = co_await step;
      if (!committed) co_return std::unexpected(std::vector<sync::ConfigProblem>{});
    }
    node.hash = delta.hash;
    node.ready = true;
    co_return sync::Applied{++node.generation, delta.hash};
  }
  [[nodiscard]] sync::NodeStatus status() const override { return node; }
  [[nodiscard]] std::string metrics() const override { return "kong_x 1\n"; }
  [[nodiscard]] Json explain(const sync::ExplainQuery& query) const override {
    Json::Array headers;
    for (const auto& [name, value] : query.headers) headers.emplace_back(name + "=" + value);
    return Json::Object{{"method", query.method}, {"url", query.url}, {"headers", std::move(headers)}};
  }
  [[nodiscard]] Json upstream_health(const Uuid&) const override { return health; }
  bool set_health(const Uuid&, const std::string& target, bool healthy) override {
    marks.push_back(target + (healthy ? " healthy" : " unhealthy"));
    return true;
  }

  rt::Reactor* reactor = nullptr;
  bool held = false;  // apply() waits while this is so
  std::vector<sync::Delta> deltas;
  std::vector<sync::ConfigProblem> problems;
  sync::NodeStatus node;
  Json health = Json::object();
  std::vector<std::string> marks;  // what set_health() was told
};

/// One exchange in memory.
class FakeStream final : public http::ServerStream {
 public:
  FakeStream(rt::Reactor& reactor, std::string_view method, std::string_view target, std::string_view body)
      : reactor_(reactor), head_(arena_), body_text_(body), body_(body_text_) {
    const std::size_t question = target.find('?');
    head_.method = arena_.copy(method);
    head_.target = arena_.copy(target);
    head_.path = head_.target.substr(0, question);
    if (question != target.npos) head_.query = head_.target.substr(question + 1);
    head_.authority = "localhost:8001";
  }

  [[nodiscard]] rt::Reactor& reactor() const override { return reactor_; }
  [[nodiscard]] Arena& arena() override { return arena_; }
  [[nodiscard]] http::RequestHead& request() override { return head_; }
  [[nodiscard]] http::BodyReader* body() override { return body_text_.empty() ? nullptr : &body_; }
  [[nodiscard]] const http::ConnectionInfo& connection() const override { return connection_; }
  [[nodiscard]] std::int64_t started_ns() const override { return reactor_.clock().mono_ns(); }

  Task<Result<>> respond(http::ResponseHead& head, http::BodyReader* body) override {
    status = head.status;
    for (const auto& field : head.headers) headers.emplace_back(field.name, field.value);
    for (bool last = body == nullptr; !last;) {
      CO_TRY(const http::Chunk chunk, co_await body->read());
      text.append(chunk.bytes);
      last = chunk.last;
    }
    co_return Result<>{};
  }
  Task<Result<>> inform(int) override { return Result<>{}; }
  Task<Result<net::Stream*>> switch_protocols(http::ResponseHead&, std::string_view&) override {
    return Result<net::Stream*>(nullptr);
  }
  void close_after_response() override { closed = true; }
  [[nodiscard]] bool response_started() const override { return status != 0; }
  [[nodiscard]] std::uint64_t octets_received() const override { return 0; }
  [[nodiscard]] std::uint64_t octets_sent() const override { return text.size(); }

  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
  [[nodiscard]] Json json() const { return entity::parse(text); }

  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string text;
  bool closed = false;

 private:
  rt::Reactor& reactor_;
  Arena arena_;
  http::RequestHead head_;
  std::string body_text_;
  http::MemoryBody body_;
  http::ConnectionInfo connection_;
};

constexpr std::string_view kConfig = R"({"_format_version":"3.0",
  "services":[
    {"name":"alpha","id":"11111111-1111-4111-8111-111111111111","url":"http://alpha.test:8080/base","tags":["t1","t2"],
     "routes":[{"name":"alpha-route","id":"22222222-2222-4222-8222-222222222222","paths":["/alpha"],"tags":["t1"],
                "plugins":[{"name":"key-auth","instance_name":"door"}]}]},
    {"name":"beta","url":"https://beta.test","tags":["t2"]},
    {"name":"gamma","url":"http://gamma.test"}],
  "consumers":[{"username":"ann","custom_id":"c-1","keyauth_credentials":[{"key":"k1"}],"acls":[{"group":"g"}]},
               {"username":"bob"}],
  "consumer_groups":[{"name":"gold"}],
  "consumer_group_consumers":[{"consumer_group":"gold","consumer":"ann"}],
  "upstreams":[{"name":"pool","targets":[{"target":"127.0.0.1:9001"},{"target":"127.0.0.1:9002","weight":50}]}]})";

/// An Admin API over kConfig; without a database unless `kind` says otherwise.
class AdminTest : public testing::Test {
 protected:
  explicit AdminTest(Storage kind = Storage::None) : storage(kind) {
    gateway.reactor = &reactor;
    settings.admin_gui_url = {"https://console.test:8445/manager"};
    if (storage == Storage::None) {
      EXPECT_EQ(post("/config", kConfig)->status, 201);
      return;
    }
    auto loading = publisher.load(publish::replacement(catalog, entity::parse(kConfig), std::string(32, 'c')));
    loading.start();
    EXPECT_TRUE(loading.ready() && loading.take().has_value());
  }

  using Exchange = std::unique_ptr<FakeStream>;
  /// Lines are request headers, "Name: value".
  Exchange send(std::string_view method, std::string_view target, std::string_view body = {},
                const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    auto stream = std::make_unique<FakeStream>(reactor, method, target, body);
    for (const auto& [name, value] : headers) {
      if (name == "Host") stream->request().authority = stream->arena().copy(value);
      stream->request().headers.add(name, value);
    }
    rt::Task<void> task = server.handle(*stream);
    task.start();
    rt::turn_until(reactor, [&] { return task.ready(); });
    return stream;
  }
  Exchange get(std::string_view target) { return send("GET", target); }
  Exchange post(std::string_view target, std::string_view json) {
    return send("POST", target, json, {{"Content-Type", "application/json"}});
  }
  Exchange patch(std::string_view target, std::string_view json) {
    return send("PATCH", target, json, {{"Content-Type", "application/json"}});
  }
  Exchange put(std::string_view target, std::string_view json) {
    return send("PUT", target, json, {{"Content-Type", "application/json"}});
  }
  Exchange remove(std::string_view target) { return send("DELETE", target); }
  /// The ids or names in `data`.
  static std::vector<std::string> column(const Json& list, std::string_view member) {
    std::vector<std::string> values;
    for (const Json& row : list.find("data")->as_array()) values.push_back(row.find(member)->as_string());
    return values;
  }

  const Storage storage;
  rt::Reactor reactor;
  entity::Catalog catalog{entity::test_plugins()};
  store::MemoryStore store{catalog};
  FakeGateway gateway;
  settings::Settings settings = settings::defaults();
  publish::Publisher publisher{store, gateway};
  iam::TokenBook tokens;
  AdminServer server{Parts{catalog,
                           gateway,
                           settings,
                           store,
                           publisher,
                           {{"key-auth", "0.1.0", 1250}, {"http-log", "0.1.0", 12}},
                           {"99999999-9999-4999-8999-999999999999", "host", "0.1.0"},
                           storage,
                           &tokens}};
};

}  // namespace sluice::control::admin
