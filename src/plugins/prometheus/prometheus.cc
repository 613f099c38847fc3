// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/uuid.h"
#include "entity/route.h"
#include "entity/service.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/prometheus/stream_series.h"
#include "telemetry/metrics.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

using telemetry::Family;
using telemetry::Label;
using telemetry::MetricSpec;
using telemetry::MetricType;
using telemetry::RequestRecord;
using telemetry::Series;

constexpr std::size_t kMaxCached = 200'000;  // routes and consumers come and go; then the cache starts over

const std::vector<double> kGatewayBounds = {1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000};
const std::vector<double> kTotalBounds = {25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000};

constexpr Label bounded(std::string_view name) {
  return {name, Label::Values::Bounded};
}

MetricSpec requests_spec() {
  return {.name = "kong_http_requests_total",
          .help = "Requests by service, route and status.",
          .labels = {{"service"}, {"route"}, bounded("code"), bounded("source"), bounded("workspace"), {"consumer"}}};
}

MetricSpec bandwidth_spec() {
  return {.name = "kong_bandwidth_bytes",
          .help = "Octets received from clients (ingress) and sent to them (egress).",
          .labels = {{"service"}, {"route"}, bounded("direction"), bounded("workspace"), {"consumer"}}};
}

MetricSpec latency_spec(std::string_view name, std::string_view help, const std::vector<double>& bounds) {
  return {.name = name,
          .help = help,
          .type = MetricType::Histogram,
          .labels = {{"service"}, {"route"}, bounded("workspace")},
          .bounds = bounds};
}

std::string_view service_label(const Exchange& ex) {
  if (ex.service == nullptr) return {};
  return ex.service->name.empty() ? ex.service->host : ex.service->name;
}

/// A consumer without a name is told apart by its other name, or by its id.
std::string_view consumer_label(const Consumer& consumer) {
  if (!consumer.username.empty()) return consumer.username;
  return consumer.custom_id.empty() ? consumer.id_text : consumer.custom_id;
}

}  // namespace

/// Counts requests, stream sessions, octets and times per service and route for `GET /metrics`. What matched no route
/// is not counted. reference/plugins-transform-observe.md, section 12.
class Prometheus final : public Plugin, public StreamPlugin {
 public:
  static constexpr std::string_view kName = "prometheus";
  static constexpr int kPriority = 13;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs",           "http", "https", "tcp",
                                                    "tls",  "tls_passthrough", "udp",  "ws",    "wss"};

  struct Config {
    bool per_consumer = false;
    bool status_code_metrics = false;
    bool ai_metrics = false;
    bool latency_metrics = false;
    bool bandwidth_metrics = false;
    bool upstream_health_metrics = false;
    bool wasm_metrics = false;

    static void describe(schema::Record<Config>& r);
  };

  Prometheus(const Config& config, const PluginIdentity& identity, PluginHost& host);
  ~Prometheus() override;

  void on_log(const Exchange& ex) noexcept override;
  void on_stream_log(const StreamSession& session) noexcept override {
    streams_.count(session, {bandwidth_, gateway_latency_});
  }

 private:
  struct Key {
    Uuid route;
    Uuid consumer;  // nil unless per_consumer
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct StatusSeries {
    int status;
    bool from_service;
    telemetry::Series* requests;
  };
  /// Where one route (and consumer) is counted, so that a request costs one look-up.
  struct Cached {
    std::string service;  // label values: an entity may be renamed while it keeps its id
    std::string route;
    std::string consumer;
    std::string workspace;
    std::vector<StatusSeries> requests;
    telemetry::Series* ingress = nullptr;
    telemetry::Series* egress = nullptr;
    telemetry::Series* gateway_latency = nullptr;
    telemetry::Series* upstream_latency = nullptr;
    telemetry::Series* request_latency = nullptr;
  };

  Cached& find(const Exchange& ex);
  void resolve(Cached& entry) const;
  telemetry::Series& requests_of(Cached& entry, const telemetry::RequestRecord& record) const;

  const Config config_;
  telemetry::Metrics& metrics_;
  // Null where the configuration leaves them out.
  telemetry::Family* requests_ = nullptr;
  telemetry::Family* bandwidth_ = nullptr;
  telemetry::Family* gateway_latency_ = nullptr;
  telemetry::Family* upstream_latency_ = nullptr;
  telemetry::Family* request_latency_ = nullptr;
  std::unordered_map<Key, Cached, KeyHash> cache_;
  StreamSeries streams_;
};

void Prometheus::Config::describe(schema::Record<Config>& r) {
  r.doc("Counts requests, octets and times for Prometheus to scrape.");
  r.field<&Config::per_consumer>("per_consumer", "Fill the consumer label of requests and bandwidth.");
  r.field<&Config::status_code_metrics>("status_code_metrics", "Count requests by status: `http_requests_total`.");
  r.field<&Config::ai_metrics>("ai_metrics", "Count requests to language models, their tokens and cost.");
  r.field<&Config::latency_metrics>("latency_metrics",
                                    "Measure times: `kong_latency_ms`, `upstream_latency_ms`, `request_latency_ms`, "
                                    "`session_duration_ms`.");
  r.field<&Config::bandwidth_metrics>("bandwidth_metrics", "Count octets: `bandwidth_bytes`.");
  r.field<&Config::upstream_health_metrics>("upstream_health_metrics",
                                            "Export the health of targets: `upstream_target_health`.");
  r.field<&Config::wasm_metrics>("wasm_metrics", "Export what WebAssembly filters count.");
}

std::size_t Prometheus::KeyHash::operator()(const Key& key) const noexcept {
  std::hash<Uuid> hash;
  return hash(key.route) ^ (hash(key.consumer) * 3);
}

Prometheus::Prometheus(const Config& config, const PluginIdentity& /*identity*/, PluginHost& host)
    : config_(config), metrics_(host.metrics), streams_(host.metrics, config.status_code_metrics) {
  if (config_.status_code_metrics) requests_ = &metrics_.family(requests_spec());
  if (config_.bandwidth_metrics) bandwidth_ = &metrics_.family(bandwidth_spec());
  if (config_.latency_metrics) {
    gateway_latency_ = &metrics_.family(
        latency_spec("kong_kong_latency_ms", "Milliseconds that the gateway itself took.", kGatewayBounds));
    upstream_latency_ = &metrics_.family(
        latency_spec("kong_upstream_latency_ms", "Milliseconds until the upstream began to answer.", kTotalBounds));
    request_latency_ = &metrics_.family(
        latency_spec("kong_request_latency_ms", "Milliseconds from a request's first octet to the end.", kTotalBounds));
  }
  if (config_.upstream_health_metrics) metrics_.want_upstream_health(1);
}

Prometheus::~Prometheus() {
  if (config_.upstream_health_metrics) metrics_.want_upstream_health(-1);
}

Prometheus::Cached& Prometheus::find(const Exchange& ex) {
  const Consumer* consumer = config_.per_consumer ? ex.authenticated.consumer : nullptr;
  std::string_view service = service_label(ex);
  std::string_view consumer_name = consumer == nullptr ? std::string_view() : consumer_label(*consumer);
  const std::string_view workspace = ex.directory->workspace().name;
  Key key{ex.route->id.value, consumer == nullptr ? Uuid{} : consumer->id};

  auto matches = [&](const Cached& entry) {  // the route's label is its name, or its id when it has none
    bool same_route = ex.route->name.empty() ? entry.route.size() == Uuid::kTextSize : entry.route == ex.route->name;
    return same_route && entry.service == service && entry.consumer == consumer_name && entry.workspace == workspace;
  };
  if (auto found = cache_.find(key); found != cache_.end() && matches(found->second)) [[likely]]
    return found->second;

  if (cache_.size() >= kMaxCached) cache_.clear();
  Cached& entry = cache_[key] = Cached{};
  entry.service = service;
  entry.route = ex.route->name.empty() ? ex.route->id.value.to_string() : ex.route->name;
  entry.consumer = consumer_name;
  entry.workspace = workspace;
  resolve(entry);
  return entry;
}

void Prometheus::resolve(Cached& entry) const {
  if (bandwidth_ != nullptr) {
    entry.ingress = &bandwidth_->at({entry.service, entry.route, "ingress", entry.workspace, entry.consumer});
    entry.egress = &bandwidth_->at({entry.service, entry.route, "egress", entry.workspace, entry.consumer});
  }
  if (gateway_latency_ == nullptr) return;
  auto latency = [&](Family& family) { return &family.at({entry.service, entry.route, entry.workspace}); };
  entry.gateway_latency = latency(*gateway_latency_);
  entry.request_latency = latency(*request_latency_);
}

Series& Prometheus::requests_of(Cached& entry, const RequestRecord& record) const {
  bool from_service = record.source == RequestRecord::Source::Upstream;
  for (const StatusSeries& known : entry.requests) {
    if (known.status == record.status && known.from_service == from_service) return *known.requests;
  }
  Series& made = requests_->at({entry.service, entry.route, fmt::to_string(record.status),
                                from_service ? "service" : "kong", entry.workspace, entry.consumer});
  entry.requests.push_back({record.status, from_service, &made});
  return made;
}

void Prometheus::on_log(const Exchange& ex) noexcept {
  if (ex.route == nullptr) return;
  const RequestRecord& record = ex.record;
  Cached& entry = find(ex);
  if (requests_ != nullptr) requests_of(entry, record).add();
  if (bandwidth_ != nullptr) {
    if (record.request_size > 0) entry.ingress->add(static_cast<double>(record.request_size));
    if (record.response_size > 0) entry.egress->add(static_cast<double>(record.response_size));
  }
  if (gateway_latency_ == nullptr) return;
  auto observe = [](Series& series, std::int64_t ms) {
    if (ms >= 0) series.observe(static_cast<double>(ms));  // negative: never happened
  };
  observe(*entry.request_latency, record.total_ms());
  observe(*entry.gateway_latency, record.gateway_latency_ms());
  if (record.upstream_latency_ms() < 0) return;  // a route that asks no upstream has no such series
  if (entry.upstream_latency == nullptr) {
    entry.upstream_latency = &upstream_latency_->at({entry.service, entry.route, entry.workspace});
  }
  observe(*entry.upstream_latency, record.upstream_latency_ms());
}

void add_prometheus(PluginRegistry& registry) {
  registry.add<Prometheus>();
}

}  // namespace sluice::plugins
