// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/uuid.h"
#include "gateway/plugin.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

enum class Generator : std::uint8_t { Uuid, UuidCounter, Tracker };

class CorrelationId final : public Plugin {
 public:
  static constexpr std::string_view kName = "correlation-id";
  static constexpr int kPriority = 100001;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;

  struct Config {
    std::string header_name = "Kong-Request-ID";
    Generator generator = Generator::UuidCounter;
    bool echo_downstream = false;

    static void describe(schema::Record<Config>& r);
  };

  explicit CorrelationId(Config config) : config_(std::move(config)), seed_(Uuid::random().to_string()) {}

  Task<Verdict> on_request(Exchange& ex) override {
    const auto sent = ex.request.headers.get(config_.header_name);
    if (sent && !sent->empty()) {
      ex.record.correlation_id = *sent;
      return Next{};
    }
    ex.record.correlation_id = generate(ex);
    ex.request.headers.set(config_.header_name, ex.record.correlation_id);
    return Next{};
  }

  Task<Verdict> on_response(Exchange& ex) override {
    if (!config_.echo_downstream) return Next{};
    std::string_view id = ex.record.correlation_id;
    if (id.empty()) {  // another plugin answered before this one saw the request
      const auto sent = ex.request.headers.get(config_.header_name);
      id = sent && !sent->empty() ? *sent : generate(ex);
    }
    ex.response.headers.set(config_.header_name, id);
    return Next{};
  }

 private:
  /// In the arena.
  std::string_view generate(Exchange& ex) {
    switch (config_.generator) {
      case Generator::Uuid:
        return ex.arena.copy(Uuid::random().to_string());
      case Generator::UuidCounter:
        break;
      case Generator::Tracker:
        return ex.arena.copy(fmt::format(
            "{}-{}-{}-{}-{}-{:.3f}", ex.client.local_address.to_string(), ex.client.local_port, ::getpid(),
            ex.client.connection, ex.client.connection_requests, static_cast<double>(ex.clock().wall_ms()) / 1000));
    }
    constexpr std::size_t kDigits = 20;
    char text[Uuid::kTextSize + 1 + kDigits];
    const auto end = fmt::format_to(text, "{}#{}", seed_, ++counter_);
    return ex.arena.copy({text, static_cast<std::size_t>(end - text)});
  }

  const Config config_;
  const std::string seed_;  // of this instance, so that counters of several shards never meet
  std::uint64_t counter_ = 0;
};

}  // namespace
}  // namespace sluice::plugins

template <>
struct sluice::schema::EnumNames<sluice::plugins::Generator> {
  using Generator = plugins::Generator;
  static constexpr std::pair<std::string_view, Generator> kNames[] = {
      {"uuid", Generator::Uuid}, {"uuid#counter", Generator::UuidCounter}, {"tracker", Generator::Tracker}};
};

namespace sluice::plugins {

void CorrelationId::Config::describe(schema::Record<Config>& r) {
  r.doc("Gives every request an id that client, upstream and logs share.");
  r.field<&Config::header_name>("header_name", "Header that carries the id.").optional();
  r.field<&Config::generator>("generator", "How ids look.");
  r.field<&Config::echo_downstream>("echo_downstream", "Send the id to the client too.");
}

void add_correlation_id(PluginRegistry& registry) {
  registry.add<CorrelationId>();
}

}  // namespace sluice::plugins
