// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/uuid.h"
#include "gateway/exchange.h"
#include "gateway/frame.h"
#include "gateway/stream_plugin.h"
#include "gateway/verdict.h"
#include "rt/task.h"
#include "schema/record.h"

namespace sluice::rt {
class BlockingPool;
class Reactor;
}  // namespace sluice::rt
namespace sluice::rt::shared {
class CounterTable;
}
namespace sluice::http {
class Client;
}
namespace sluice::telemetry {
class Metrics;
class Sinks;
}  // namespace sluice::telemetry

namespace sluice::gateway {

/// Which row of the configuration an instance stands for.
struct PluginIdentity {
  Uuid id;
  std::string id_text;
  std::string instance_name;
  std::string route_id;     // of the row's scope; empty: not scoped
  std::string service_id;   // likewise
  std::string consumer_id;  // likewise
};

/// What a shard lends to the plugin instances that live on it.
struct PluginHost {
  rt::Reactor& reactor;
  rt::BlockingPool& blocking;          // for work that blocks
  rt::shared::CounterTable& counters;  // counted once per node
  http::Client& client;                // outgoing requests of plugins
  telemetry::Metrics& metrics;         // of this shard
  const std::string& node_id;
  const std::string& hostname;
  telemetry::Sinks* sinks = nullptr;  // of this shard; log plugins demand it
};

/// A policy. One instance per configuration row and shard serves every request of that shard, so per-request state
/// goes into ex.slot<T>(). Hooks that do not wait return a value; those that wait are coroutines.
class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  /// Before routing; called for global rows only.
  virtual Task<Verdict> on_rewrite(Exchange& /*ex*/) { return Next{}; }
  /// The route and service are known. A Reply ends the request phase: later on_request hooks do not run.
  virtual Task<Verdict> on_request(Exchange& /*ex*/) { return Next{}; }
  /// The response head is known, from the upstream or from the gateway itself. A Reply replaces the response.
  virtual Task<Verdict> on_response(Exchange& /*ex*/) { return Next{}; }
  /// A WebSocket is open: each message, and each control frame but those that the gateway itself sends, from either
  /// end. The first refusal ends the connection. Both directions run at the same time.
  virtual Task<FrameVerdict> on_frame(Exchange& /*ex*/, Frame& /*frame*/) { return Next{}; }
  /// After the last octet, exactly once, also when the client has gone. Must not block.
  virtual void on_log(const Exchange& /*ex*/) noexcept {}
};

/// Which hooks a plugin has, a bit each; the pipeline visits only those.
using Hook = std::uint16_t;
inline constexpr Hook kOnRewrite = 1, kOnRequest = 2, kOnResponse = 4, kOnLog = 8, kOnFrame = 16;
inline constexpr Hook kOnPreread = 0x100, kOnStreamLog = 0x200;  // of StreamPlugin

/// Which scopes a configuration row of the plugin may have besides global, a bit each.
using Scope = std::uint8_t;
inline constexpr Scope kRoute = 1, kService = 2, kConsumer = 4, kConsumerGroup = 8, kAnyScope = 15;

/// What a plugin asks of clients in the TLS handshakes of the names that its rows concern. A certificate is asked for,
/// never demanded there: requests without one are the plugin's to judge.
struct ClientCertificateRequest {
  std::vector<Uuid> authorities = {};  // of ca_certificates: what is shown is compared with them; none: with nothing
  bool names_authorities = false;      // clients are told which these are, so that they can choose
};

/// A plugin at run time: behind every class stands one of these, so that a Lua plugin can be one too.
struct PluginDescriptor {
  std::string name;
  int priority = 0;
  std::string version = "3.10.0";
  Hook hooks = 0;
  std::uint8_t scopes = kAnyScope;
  std::vector<std::string> protocols = {"grpc", "grpcs", "http", "https"};          // that a row may name
  std::vector<std::string> default_protocols = {"grpc", "grpcs", "http", "https"};  // of a row that names none
  std::shared_ptr<const schema::RecordBase> config_schema;
  /// Valid options that this build does not offer, as (field below config, reason); empty function: none.
  std::function<std::vector<std::pair<std::string, std::string>>(const Json& config)> check;
  /// What it asks of clients in handshakes, by a canonical configuration; empty function: nothing.
  std::function<ClientCertificateRequest(const Json& config)> client_certificate;
  /// Makes an instance from a canonical configuration document (references already resolved).
  std::function<std::unique_ptr<Plugin>(const Json& config, const PluginIdentity&, PluginHost&)> make;
};

namespace detail {
template <class P>
constexpr Hook hooks_of() {
  Hook hooks = 0;
  if (!std::is_same_v<decltype(&P::on_rewrite), decltype(&Plugin::on_rewrite)>) hooks |= kOnRewrite;
  if (!std::is_same_v<decltype(&P::on_request), decltype(&Plugin::on_request)>) hooks |= kOnRequest;
  if (!std::is_same_v<decltype(&P::on_response), decltype(&Plugin::on_response)>) hooks |= kOnResponse;
  if (!std::is_same_v<decltype(&P::on_log), decltype(&Plugin::on_log)>) hooks |= kOnLog;
  if (!std::is_same_v<decltype(&P::on_frame), decltype(&Plugin::on_frame)>) hooks |= kOnFrame;
  if constexpr (std::is_base_of_v<StreamPlugin, P>) {
    if (!std::is_same_v<decltype(&P::on_preread), decltype(&StreamPlugin::on_preread)>) hooks |= kOnPreread;
    if (!std::is_same_v<decltype(&P::on_stream_log), decltype(&StreamPlugin::on_stream_log)>) hooks |= kOnStreamLog;
  }
  return hooks;
}
template <class P>
std::unique_ptr<Plugin> make_plugin(typename P::Config config, const PluginIdentity& identity, PluginHost& host) {
  if constexpr (std::is_constructible_v<P, typename P::Config, const PluginIdentity&, PluginHost&>) {
    return std::make_unique<P>(std::move(config), identity, host);
  } else {
    return std::make_unique<P>(std::move(config));
  }
}
}  // namespace detail

/// The plugins that this program knows. Filled once at start by plugins::add_all, then only read.
class PluginRegistry {
 public:
  /// P has kName, kPriority, Config with describe(); optionally kScopes, kProtocols, kDefaultProtocols and, static,
  /// check(const Config&), which names options that are valid but not offered, and client_certificate(const Config&),
  /// which says what handshakes ask of clients. Its constructor takes (Config) or
  /// (Config, const PluginIdentity&, PluginHost&); the host outlives the instance, the identity does not.
  template <class P>
  void add() {
    PluginDescriptor descriptor;
    descriptor.name = P::kName;
    descriptor.priority = P::kPriority;
    descriptor.hooks = detail::hooks_of<P>();
    if constexpr (requires { P::kScopes; }) descriptor.scopes = P::kScopes;
    if constexpr (requires { P::kProtocols; }) {
      descriptor.protocols.assign(std::begin(P::kProtocols), std::end(P::kProtocols));
    }
    if constexpr (requires { P::kDefaultProtocols; }) {
      descriptor.default_protocols.assign(std::begin(P::kDefaultProtocols), std::end(P::kDefaultProtocols));
    }
    auto record = std::make_shared<const schema::Record<typename P::Config>>(schema::describe<typename P::Config>());
    descriptor.config_schema = record;
    if constexpr (requires(const typename P::Config& config) { P::check(config); }) {
      descriptor.check = [record](const Json& config) { return P::check(record->read(config)); };
    }
    if constexpr (requires(const typename P::Config& config) { P::client_certificate(config); }) {
      descriptor.client_certificate = [record](const Json& config) {
        return P::client_certificate(record->read(config));
      };
    }
    descriptor.make = [record](const Json& config, const PluginIdentity& identity, PluginHost& host) {
      return detail::make_plugin<P>(record->read(config), identity, host);
    };
    add(std::move(descriptor));
  }
  void add(PluginDescriptor descriptor);

  /// Null when there is no plugin of that name.
  [[nodiscard]] const PluginDescriptor* find(std::string_view name) const;
  /// In the order in which they run: larger priority first, equal ones by name descending.
  [[nodiscard]] const std::vector<const PluginDescriptor*>& in_order() const { return order_; }

 private:
  std::map<std::string, std::unique_ptr<PluginDescriptor>, std::less<>> by_name_;
  std::vector<const PluginDescriptor*> order_;
};

}  // namespace sluice::gateway
