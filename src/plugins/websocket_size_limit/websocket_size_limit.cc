// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "gateway/plugin.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

/// The most that a limit may be: 32 MiB.
constexpr std::int64_t kMost = 33'554'432;

/// Sets what the gateway reads of one message. It refuses a larger one at the header of the frame that makes it so,
/// before the payload has arrived; control frames are exempt.
class WebsocketSizeLimit final : public Plugin {
 public:
  static constexpr std::string_view kName = "websocket-size-limit";
  static constexpr int kPriority = 1003;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;
  static constexpr std::string_view kProtocols[] = {"ws", "wss"};
  static constexpr std::string_view kDefaultProtocols[] = {"ws", "wss"};

  struct Config {
    std::optional<std::int64_t> client_max_payload;
    std::optional<std::int64_t> upstream_max_payload;

    static void describe(schema::Record<Config>& r) {
      r.doc("Closes WebSockets on which a message is larger than a limit.");
      r.field<&Config::client_max_payload>("client_max_payload", "Octets of a client's message; 1 MiB if not set.")
          .rule(schema::between(1, kMost));
      r.field<&Config::upstream_max_payload>("upstream_max_payload",
                                             "Octets of an upstream's message; 16 MiB if not set.")
          .rule(schema::between(1, kMost));
      r.check(schema::at_least_one_of({"client_max_payload", "upstream_max_payload"}));
    }
  };

  explicit WebsocketSizeLimit(Config config) : config_(std::move(config)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    auto& limits = ex.slot<FrameLimits>();
    if (config_.client_max_payload) limits.from_client = static_cast<std::size_t>(*config_.client_max_payload);
    if (config_.upstream_max_payload) limits.from_upstream = static_cast<std::size_t>(*config_.upstream_max_payload);
    return Next{};
  }

 private:
  const Config config_;
};

}  // namespace

void add_websocket_size_limit(PluginRegistry& registry) {
  registry.add<WebsocketSizeLimit>();
}

}  // namespace sluice::plugins
