// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/pem.h"
#include "gateway/plugin.h"
#include "http/client.h"
#include "rt/offload.h"
#include "rt/shared/counter_table.h"
#include "schema/contract.h"
#include "telemetry/metrics.h"

// What a plugin's test needs: a shard without sockets, a directory of consumers, and exchanges made by hand.
namespace sluice::plugins::testing {

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Consumers and credentials as a snapshot would know them.
class FakeDirectory final : public gateway::Directory {
 public:
  gateway::Consumer& add_consumer(std::string_view username) {
    auto consumer = std::make_unique<gateway::Consumer>();
    consumer->id = Uuid::random();
    consumer->id_text = consumer->id.to_string();
    consumer->username = username;
    consumers_.push_back(std::move(consumer));
    return *consumers_.back();
  }
  gateway::Credential& add_credential(const gateway::Consumer& owner, std::string_view collection,
                                      std::string_view identity) {
    auto& credential = credentials_[{std::string(collection), std::string(identity)}];
    credential.id = Uuid::random();
    credential.id_text = credential.id.to_string();
    credential.consumer_id = owner.id;
    credential.identity = identity;
    return credential;
  }
  Uuid add_group(std::string_view name) {
    const Uuid id = Uuid::random();
    groups_[id] = name;
    return id;
  }
  /// A row of ca_certificates; under an id that there is, it replaces that one.
  Uuid add_authority(const crypto::Certificate& certificate, const Uuid& id = Uuid::random()) {
    authorities_.insert_or_assign(id, certificate);
    return id;
  }
  void drop_authorities() { authorities_.clear(); }
  void drop_consumers() { consumers_.clear(); }

  const gateway::Credential* credential(std::string_view collection, std::string_view identity) const override {
    const auto found = credentials_.find({std::string(collection), std::string(identity)});
    return found != credentials_.end() ? &found->second : nullptr;
  }
  const gateway::Consumer* consumer(const Uuid& id) const override {
    for (const auto& consumer : consumers_) {
      if (consumer->id == id) return consumer.get();
    }
    return nullptr;
  }
  const gateway::Consumer* consumer_by_username(std::string_view username) const override {
    for (const auto& consumer : consumers_) {
      if (consumer->username == username) return consumer.get();
    }
    return nullptr;
  }
  const gateway::Consumer* consumer_by_custom_id(std::string_view custom_id) const override {
    for (const auto& consumer : consumers_) {
      if (!custom_id.empty() && consumer->custom_id == custom_id) return consumer.get();
    }
    return nullptr;
  }
  const crypto::Certificate* authority(const Uuid& id) const override {
    const auto found = authorities_.find(id);
    return found != authorities_.end() ? &found->second : nullptr;
  }
  std::string_view consumer_group_name(const Uuid& id) const override {
    const auto found = groups_.find(id);
    return found != groups_.end() ? std::string_view(found->second) : std::string_view();
  }

 private:
  std::vector<std::unique_ptr<gateway::Consumer>> consumers_;
  std::map<std::pair<std::string, std::string>, gateway::Credential> credentials_;
  std::map<Uuid, std::string> groups_;
  std::map<Uuid, crypto::Certificate> authorities_;
};

/// Has no network: whoever sends fails.
class NoClient final : public http::Client {
 public:
  Task<Result<http::ClientResponse>> send(http::ClientRequest /*request*/, rt::Deadline /*deadline*/) override {
    return Result<http::ClientResponse>(fail(Errc::Unavailable, "no network here"));
  }
};

/// One shard, its clock turned by hand, and all that it lends to plugins.
class Shard {
 public:
  Shard() : Shard(std::make_unique<rt::ManualClock>()) {}

  rt::ManualClock* clock;  // of the reactor
  rt::Reactor reactor;
  FakeDirectory directory;
  rt::shared::CounterTable counters;

  /// An instance as a configuration row gives it: the document is checked, completed and read.
  std::unique_ptr<gateway::Plugin> make(void (*add)(gateway::PluginRegistry&), std::string_view config,
                                        const gateway::PluginIdentity& identity = {}) {
    const gateway::PluginDescriptor& plugin = describe(add);
    auto document = plugin.config_schema->process(*parse_json(config));
    EXPECT_TRUE(document.has_value()) << (document ? "" : document.error().text());
    return document ? plugin.make(*document, identity, host_) : nullptr;
  }
  /// What is wrong with a configuration; empty when nothing is.
  std::string violations(void (*add)(gateway::PluginRegistry&), std::string_view config) {
    const auto document = describe(add).config_schema->process(*parse_json(config));
    return document ? "" : document.error().message();
  }
  /// What this version does not offer of a valid configuration: `field: reason`.
  std::string unsupported(void (*add)(gateway::PluginRegistry&), std::string_view config) {
    const gateway::PluginDescriptor& plugin = describe(add);
    std::string text;
    for (const auto& [field, reason] : plugin.check(*plugin.config_schema->process(*parse_json(config)))) {
      text.append(field).append(": ").append(reason);
    }
    return text;
  }
  const gateway::PluginDescriptor& describe(void (*add)(gateway::PluginRegistry&)) {
    registries_.push_back(std::make_unique<gateway::PluginRegistry>());
    add(*registries_.back());
    return *registries_.back()->in_order().front();
  }

 private:
  explicit Shard(std::unique_ptr<rt::ManualClock> manual) : clock(manual.get()), reactor(std::move(manual)) {}

  rt::BlockingPool blocking_{1};
  NoClient client_;
  telemetry::Metrics metrics_;
  std::string node_id_ = "6c0b1e52-8a4e-4f36-9f0e-0d6f0a3f5e11";
  std::string hostname_ = "gateway.test";
  gateway::PluginHost host_{reactor, blocking_, counters, client_, metrics_, node_id_, hostname_};
  std::vector<std::unique_ptr<gateway::PluginRegistry>> registries_;
};

/// One request on its way. Texts given to it are kept in its arena.
class Call {
 public:
  Call(Shard& shard, std::string_view method, std::string_view target, Fields fields = {})
      : head_(arena_), ex(shard.reactor, arena_, head_) {
    ex.directory = &shard.directory;
    ex.record.request_id.fill('0');
    const std::string_view kept = arena_.copy(target);
    const std::size_t question = kept.find('?');
    ex.request.method = arena_.copy(method);
    ex.request.scheme = "http";
    ex.request.host = "example.test";
    ex.request.path = kept.substr(0, question);
    ex.request.upstream_path = ex.request.path;
    ex.request.has_query = question != kept.npos;
    if (ex.request.has_query) ex.request.query = kept.substr(question + 1);
    ex.client.address = *IpAddress::parse("127.0.0.1");
    ex.client.forwarded_address = ex.client.address;
    for (const auto& [name, value] : fields) ex.request.headers.add(name, value);
  }

  /// Content of known length.
  Call& with_body(std::string_view content_type, std::string_view bytes) {
    if (!content_type.empty()) ex.request.headers.set("Content-Type", content_type);
    ex.request.headers.set("Content-Length", std::to_string(bytes.size()));
    head_.framing = {http::Framing::Kind::Length, bytes.size()};
    ex.request.body = ex.make<http::MemoryBody>(arena_.copy(bytes));
    return *this;
  }
  /// Content whose length is not known beforehand.
  Call& with_chunked_body(std::string_view bytes) {
    ex.request.headers.set("Transfer-Encoding", "chunked");
    head_.framing = {http::Framing::Kind::Chunked, 0};
    ex.request.body = ex.make<http::MemoryBody>(arena_.copy(bytes));
    return *this;
  }

  /// Runs the request hook. What a gateway would send for a reply stands in status(), body() and the reply's headers.
  Call& request_hook(gateway::Plugin& plugin) {
    verdict_ = finish(plugin.on_request(ex));
    return *this;
  }
  Call& response_hook(gateway::Plugin& plugin) {
    auto verdict = finish(plugin.on_response(ex));
    if (verdict->is_reply()) verdict_ = std::move(verdict);
    return *this;
  }

  [[nodiscard]] bool replied() const { return verdict_ && verdict_->is_reply(); }
  /// Of the reply; 0 when the request goes on.
  [[nodiscard]] int status() const { return replied() ? verdict_->reply().status : 0; }
  [[nodiscard]] std::string body() const { return replied() ? verdict_->reply().body : ""; }
  [[nodiscard]] std::string reply_header(std::string_view name) const {
    if (!replied()) return "";
    for (const auto& [field, value] : verdict_->reply().headers) {
      if (http::same_name(field, name)) return value;
    }
    return "";
  }
  [[nodiscard]] const gateway::Reply& reply() const { return verdict_->reply(); }
  [[nodiscard]] std::string failure() const { return verdict_ ? verdict_->failure() : ""; }

  /// What the upstream would see of a field; "(none)" when it is not there.
  [[nodiscard]] std::string upstream_header(std::string_view name) const {
    return std::string(ex.request.headers.get(name).value_or("(none)"));
  }
  [[nodiscard]] std::string response_header(std::string_view name) const {
    return std::string(ex.response.headers.get(name).value_or("(none)"));
  }
  [[nodiscard]] std::string upstream_body() {
    if (ex.request.body == nullptr) return "";
    auto task = ex.request.body->read();
    task.start();
    EXPECT_TRUE(task.ready());
    auto chunk = task.take();
    return chunk ? std::string(chunk->bytes) : "error: " + chunk.error().what;
  }

 private:
  static std::unique_ptr<gateway::Verdict> finish(Task<gateway::Verdict> task) {
    task.start();
    EXPECT_TRUE(task.ready()) << "the plugin waits for something";
    return std::make_unique<gateway::Verdict>(task.take());
  }

  Arena arena_;
  http::RequestHead head_;
  std::unique_ptr<gateway::Verdict> verdict_;

 public:
  gateway::Exchange ex;
};

/// Compares a plugin's configuration with the published contract; skips the test where that is not at hand.
inline void expect_contract(void (*add)(gateway::PluginRegistry&), std::string_view spec_name,
                            const schema::ContractOptions& options = {}) {
  gateway::PluginRegistry registry;
  add(registry);
  const auto differences =
      schema::compare_plugin_contract(*registry.in_order().front()->config_schema, spec_name, options);
  if (!differences) GTEST_SKIP() << "no contract of " << spec_name << " at hand";
  EXPECT_EQ(*differences, std::vector<std::string>{});
}

}  // namespace sluice::plugins::testing
