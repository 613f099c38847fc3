// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/yaml.h"
#include "entity/declarative.h"
#include "gateway/config/snapshot_builder.h"
#include "gateway/plugin.h"
#include "http/client.h"
#include "rt/offload.h"
#include "rt/shared/counter_table.h"
#include "telemetry/metrics.h"

// For tests of the gateway: a few plugins, configurations from YAML, and what a shard lends to plugins.
namespace sluice::gateway {

/// Leaves its value in the request, so that a test sees which rows ran and in which order.
struct MarkConfig {
  std::string value = "default";
  static void describe(schema::Record<MarkConfig>& r) { r.field<&MarkConfig::value>("value"); }
};
template <class Traits>
class MarkPlugin final : public Plugin {
 public:
  static constexpr std::string_view kName = Traits::kName;
  static constexpr int kPriority = Traits::kPriority;
  using Config = MarkConfig;
  explicit MarkPlugin(MarkConfig config) : config_(std::move(config)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    ex.request.headers.add("X-Trail", config_.value);
    return Next{};
  }
  Task<Verdict> on_response(Exchange& ex) override {
    ex.response.headers.add("X-Trail", config_.value);
    return Next{};
  }

 private:
  const MarkConfig config_;
};
struct EarlyTraits {
  static constexpr std::string_view kName = "mark-early";
  static constexpr int kPriority = 3000;
};
struct LateTraits {
  static constexpr std::string_view kName = "mark-late";
  static constexpr int kPriority = 10;
};

/// Makes the consumer that X-User names the one of the request.
class IdentifyPlugin final : public Plugin {
 public:
  static constexpr std::string_view kName = "identify";
  static constexpr int kPriority = 1000;
  using Config = MarkConfig;
  explicit IdentifyPlugin(MarkConfig /*config*/) {}
  Task<Verdict> on_request(Exchange& ex) override {
    auto user = ex.request.headers.get("X-User");
    const Consumer* consumer = user ? ex.directory->consumer_by_username(*user) : nullptr;
    if (consumer == nullptr) return Reply{401, "who are you"};
    ex.authenticated.consumer = consumer;
    return Next{};
  }
};

/// Answers with its value.
class AnswerPlugin final : public Plugin {
 public:
  static constexpr std::string_view kName = "answer";
  static constexpr int kPriority = 2;
  using Config = MarkConfig;
  explicit AnswerPlugin(MarkConfig config) : config_(std::move(config)) {}
  Task<Verdict> on_request(Exchange& /*ex*/) override { return Reply::exit(200, config_.value, "text/plain"); }

 private:
  const MarkConfig config_;
};

/// Asks clients for certificates in handshakes.
class AskPlugin final : public Plugin {
 public:
  static constexpr std::string_view kName = "ask";
  static constexpr int kPriority = 1;
  using Config = MarkConfig;
  explicit AskPlugin(MarkConfig /*config*/) {}
  static ClientCertificateRequest client_certificate(const MarkConfig& /*config*/) { return {}; }
};

/// Everything that a configuration may name, as the program's main would put it together.
struct TestVocabulary {
  PluginRegistry plugins;
  entity::PluginSchemas schemas;
  std::unique_ptr<entity::Catalog> catalog;

  TestVocabulary() {
    plugins.add<MarkPlugin<EarlyTraits>>();
    plugins.add<MarkPlugin<LateTraits>>();
    plugins.add<IdentifyPlugin>();
    plugins.add<AnswerPlugin>();
    plugins.add<AskPlugin>();
    for (const PluginDescriptor* plugin : plugins.in_order()) {
      schemas.add({.name = plugin->name, .config = *plugin->config_schema});
    }
    catalog = std::make_unique<entity::Catalog>(schemas);
  }
  /// A whole configuration. `yaml` needs no format version.
  [[nodiscard]] sync::Delta load(std::string_view yaml, std::string hash = {}) const {
    auto document = parse_yaml("_format_version: \"3.0\"\n" + std::string(yaml));
    if (!document) {
      ADD_FAILURE() << document.error().what;
      return {};
    }
    auto rows = entity::load_declarative(*catalog, *document, {.now = 1'700'000'000});
    if (!rows) {
      ADD_FAILURE() << rows.error().all.text();
      return {};
    }
    sync::Delta delta;
    delta.complete = true;
    delta.hash = std::move(hash);
    for (entity::Row& row : *rows) {
      delta.upserts.push_back({row.type->name(), row.id, std::make_shared<const std::string>(std::move(row.document))});
    }
    return delta;
  }
  /// Those entities of `yaml` alone whose type is `type`, as a change to what is there.
  [[nodiscard]] sync::Delta only(std::string_view type, std::string_view yaml) const {
    sync::Delta delta = load(yaml);
    delta.complete = false;
    std::erase_if(delta.upserts, [&](const sync::EntityRow& row) { return row.type != type; });
    return delta;
  }
};

/// Ids that a test can read: 1 is 00000000-0000-4000-8000-000000000001.
inline std::string test_id(int number) {
  std::string digits = std::to_string(number);
  return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
}
inline Uuid test_uuid(int number) {
  return *Uuid::parse(test_id(number));
}

/// One generation after the other.
class Generations {
 public:
  TestVocabulary vocabulary;
  SnapshotBuilder builder{*vocabulary.catalog, vocabulary.plugins, router::Flavor::TraditionalCompatible};
  Snapshot::Ref current = builder.empty();

  /// Builds on the current generation and makes the result current.
  Snapshot::Ref apply(sync::Delta delta) {
    auto built = builder.build(*current, std::move(delta));
    if (!built) {
      ADD_FAILURE() << built.error().front().field << ": " << built.error().front().message;
      return current;
    }
    return current = *built;
  }
  Snapshot::Ref load(std::string_view yaml) { return apply(vocabulary.load(yaml)); }
};

/// Has no network: whoever sends fails.
class NoClient final : public http::Client {
 public:
  Task<Result<http::ClientResponse>> send(http::ClientRequest /*request*/, rt::Deadline /*deadline*/) override {
    return Result<http::ClientResponse>(fail(Errc::Unavailable, "no network here"));
  }
};

/// What a shard lends to its plugins.
struct TestHost {
  rt::Reactor reactor;
  rt::BlockingPool blocking{1};
  rt::shared::CounterTable counters;
  NoClient client;
  telemetry::Metrics metrics;
  std::string node_id = "6c0b1e52-8a4e-4f36-9f0e-0d6f0a3f5e11";
  std::string hostname = "gateway.test";
  PluginHost host{reactor, blocking, counters, client, metrics, node_id, hostname};
};

}  // namespace sluice::gateway
