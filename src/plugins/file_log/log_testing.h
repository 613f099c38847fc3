// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/plugin_testing.h"
#include "telemetry/exposition.h"
#include "telemetry/sinks.h"

// What the tests of plugins that log need besides a shard: sinks, and a client whose answers the test decides.
namespace sluice::plugins::testing {

/// Remembers requests and answers them with the statuses it was given, the last one for ever.
class FakeClient final : public http::Client {
 public:
  Task<Result<http::ClientResponse>> send(http::ClientRequest request, rt::Deadline /*deadline*/) override {
    requests.push_back(std::move(request));
    http::ClientResponse response;
    response.status = statuses.front();
    if (statuses.size() > 1) statuses.erase(statuses.begin());
    return Result<http::ClientResponse>(std::move(response));
  }

  std::vector<http::ClientRequest> requests;
  std::vector<int> statuses = {200};
};

class LogShard {
 public:
  std::unique_ptr<gateway::Plugin> make(void (*add)(gateway::PluginRegistry&), std::string_view config) {
    const gateway::PluginDescriptor& plugin = shard.describe(add);
    auto document = plugin.config_schema->process(*parse_json(config));
    EXPECT_TRUE(document.has_value()) << config;
    return document ? plugin.make(*document, {}, host_) : nullptr;
  }
  /// Lets time pass, a millisecond a turn.
  void pass(std::int64_t ms) {
    for (std::int64_t i = 0; i < ms; ++i) {
      shard.clock->advance_ms(1);
      shard.reactor.run_once(0);
    }
  }
  [[nodiscard]] std::string scrape() const {
    const telemetry::Metrics* shards[] = {&metrics};
    return telemetry::render_metrics(shards, {});
  }

  Shard shard;
  FakeClient client;
  telemetry::Metrics metrics;
  telemetry::FileWriter writer;
  telemetry::Sinks sinks{shard.reactor, writer, metrics};

 private:
  rt::BlockingPool blocking_{1};
  std::string name_ = "test";
  gateway::PluginHost host_{shard.reactor, blocking_, shard.counters, client, metrics, name_, name_, &sinks};
};

}  // namespace sluice::plugins::testing
