// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/applier.h"
#include "dataplane/cache.h"
#include "dataplane/cache_fixture.h"
#include "entity/catalog_fixture.h"
#include "rt/test_loop.h"
#include "sync/digest.h"
#include "sync/version.h"

namespace sluice::dataplane {

/// A gateway that only remembers what it serves.
class RecordingGateway final : public sync::LocalGateway {
 public:
  using Outcome = std::expected<sync::Applied, std::vector<sync::ConfigProblem>>;
  using sync::LocalGateway::apply;

  Task<Outcome> apply(sync::Delta delta, sync::CommitStep commit) override {
    if (!problems.empty()) co_return std::unexpected(problems);
    Task<bool> step = commit();
    const bool committed = co_await step;
    if (!committed) co_return std::unexpected(std::vector<sync::ConfigProblem>{});
    if (delta.complete) rows.clear();
    for (const auto& key : delta.removals) rows.erase({key.type, key.id});
    for (const auto& row : delta.upserts) rows[{row.type, row.id}] = *row.document;
    hash = delta.hash;
    ++changes;
    co_return sync::Applied{changes, hash};
  }
  [[nodiscard]] sync::NodeStatus status() const override {
    sync::NodeStatus status;
    status.hash = hash;
    status.ready = changes > 0;
    return status;
  }
  [[nodiscard]] std::string metrics() const override { return {}; }
  [[nodiscard]] Json explain(const sync::ExplainQuery& /*query*/) const override { return {}; }
  [[nodiscard]] Json upstream_health(const Uuid& /*upstream*/) const override { return Json::object(); }

  std::map<std::pair<std::string, Uuid>, std::string> rows;
  std::string hash = std::string(32, '0');
  std::uint64_t changes = 0;
  std::vector<sync::ConfigProblem> problems;  // what it finds wrong with anything
};

/// A data plane without a link: gateway, cache and applier; and rows as a control plane would send them.
class GatewayTest : public CacheTest {
 protected:
  static constexpr const char* kControlPlane = "3f0e7c34-6f6b-4b1e-9b65-1f0d3c6f1a11";

  void SetUp() override {
    CacheTest::SetUp();
    restart();
  }
  void TearDown() override {
    applier.reset();
    cache.reset();
    CacheTest::TearDown();
  }
  /// As a new process would begin.
  void restart() {
    applier.reset();
    cache.reset();
    auto kept = files();
    auto loaded = kept->load();
    State state = loaded ? std::move(loaded->state) : State{};
    gateway.rows.clear();
    for (const auto& row : whole(state).upserts) gateway.rows[{row.type, row.id}] = *row.document;
    cache = std::make_unique<Cache>(std::move(kept), state, pool, reactor);
    applier = std::make_unique<Applier>(Applier::Parts{catalog, gateway, *cache, pool, reactor}, std::move(state));
  }

  /// A canonical row: what a control plane of ours stores.
  sync::EntityRow entity_row(const std::string& type, std::uint32_t id, const std::string& input,
                             const std::string& extra = "") {
    Json given = entity::parse(input);
    given.as_object().set("id", numbered(id).to_string());
    given.as_object().set("created_at", 1'700'000'000);
    given.as_object().set("updated_at", 1'700'000'000);
    auto document = catalog.find(type)->process(given);
    EXPECT_TRUE(document.has_value()) << (document ? "" : document.error().text());
    std::string text = document ? to_json(*document) : "{}";
    if (!extra.empty()) text.insert(text.size() - 1, "," + extra);
    return {type, numbered(id), std::make_shared<const std::string>(std::move(text)), {}};
  }
  sync::EntityRow service(std::uint32_t id, const std::string& host, const std::string& extra = "") {
    return entity_row("services", id, R"({"host":")" + host + "\"}", extra);
  }
  sync::EntityRow route(std::uint32_t id, std::uint32_t service_id, const std::string& path = "/") {
    return entity_row("routes", id,
                      R"({"paths":[")" + path + R"("],"service":{"id":")" + numbered(service_id).to_string() + "\"}}");
  }
  static std::string version(std::uint64_t number, std::uint64_t epoch = 1) {
    return sync::to_wire({.epoch = epoch, .number = number});
  }
  static std::string digest_of(const std::vector<sync::EntityRow>& rows) {
    sync::Digest digest;
    for (const auto& row : rows) digest.add(row);
    return digest.text();
  }
  /// Everything, as version `number`.
  static Incoming whole_of(std::vector<sync::EntityRow> rows, std::uint64_t number, std::uint64_t epoch = 1) {
    Incoming incoming;
    incoming.to = {.control_plane = kControlPlane,
                   .version = version(number, epoch),
                   .hash = digest_of(rows),
                   .since_ms = 0,
                   .default_workspace = {}};
    incoming.strict = true;
    incoming.delta.complete = true;
    incoming.delta.upserts = std::move(rows);
    return incoming;
  }
  /// A change from one version to the next; `after` is everything then.
  static Incoming change(std::vector<sync::EntityRow> upserts, std::vector<sync::EntityKey> removals,
                         std::uint64_t from, const std::vector<sync::EntityRow>& after) {
    Incoming incoming = whole_of({}, from + 1);
    incoming.from = version(from);
    incoming.to.hash = digest_of(after);
    incoming.delta.complete = false;
    incoming.delta.upserts = std::move(upserts);
    incoming.delta.removals = std::move(removals);
    return incoming;
  }
  std::optional<Refusal> apply_now(Incoming incoming) { return rt::run(reactor, applier->apply(std::move(incoming))); }
  [[nodiscard]] std::string served(const std::string& type, std::uint32_t id) const {
    const auto found = gateway.rows.find({type, numbered(id)});
    return found != gateway.rows.end() ? found->second : std::string();
  }

  const entity::PluginSchemas plugins = entity::test_plugins();
  const entity::Catalog catalog{plugins};
  rt::Reactor reactor;
  rt::BlockingPool pool{2};
  RecordingGateway gateway;
  std::unique_ptr<Cache> cache;
  std::unique_ptr<Applier> applier;
};

}  // namespace sluice::dataplane
