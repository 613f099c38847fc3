// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "dataplane/applier.h"
#include "dataplane/cluster_stream.h"
#include "http/websocket/connection.h"
#include "rt/offload.h"
#include "rt/scope.h"
#include "sync/traffic.h"
#include "sync/wire/peer.h"

namespace sluice::dataplane {

class Fallback;

/// How a data plane joins, as its settings have it.
struct LinkSettings {
  ControlPlaneAddress address;
  bool shared = true;                               // cluster_mtls
  bool rpc = true;                                  // protocol 2 may be tried
  bool rpc_sync = true;                             // and the configuration come over it
  bool strict = true;                               // ask for our own rules
  std::size_t max_payload = std::size_t{64} << 20;  // octets of a message, unpacked
  sync::wire::Peer self;                            // who we are; plugins named
  Json process_conf;                                // settings without secrets, which protocol 1 sends
  std::function<sync::Traffic()> traffic;           // what this node has done; empty: it does not say
};

/// What both protocols need of a link: messages that come in time, and pings.
class Conversation {
 public:
  /// All of it outlives the conversation.
  struct Parts {
    rt::Reactor& reactor;
    rt::BlockingPool& pool;
    Applier& applier;
    const LinkSettings& settings;
    http::websocket::Connection& link;
    const std::string& peer_pem;                           // the control plane's certificate
    std::shared_ptr<const ClusterIdentity> identity = {};  // with which the link was made
    Fallback* fallback = nullptr;                          // null: no copies are kept
    std::function<void()> on_agreement;  // both sides know each other: from here on the link counts as up
  };
  explicit Conversation(const Parts& parts) : parts_(parts), busy_until_ms_(parts.reactor.clock().mono_ms()) {}
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  virtual ~Conversation() = default;

 protected:
  using Kind = http::websocket::Message::Kind;

  /// Pings every `ping_ms`; receive() gives up after `dead_ms` without a sign of life.
  void keep_alive(std::int64_t ping_ms, std::int64_t dead_ms);
  /// The next message that is neither ping nor pong. Errc::Closed with the peer's reason when it ends the link.
  Task<Result<std::string>> receive();
  Task<Result<>> send(std::string_view payload);
  Task<Result<>> ping();
  /// What pings carry.
  [[nodiscard]] virtual std::string ping_payload() const { return {}; }
  /// Applies; the time that it takes is nobody's silence.
  Task<std::optional<Refusal>> apply(Incoming incoming);
  /// Unpacks and parses a large message elsewhere, a small one here.
  template <class Work>
  auto work(std::size_t octets, Work run) -> Task<std::invoke_result_t<Work>> {
    constexpr std::size_t kSmall = 64 * 1024;
    if (octets <= kSmall) co_return run();
    auto outcome = co_await rt::offload(parts_.pool, parts_.reactor, std::move(run));
    busy_until_ms_ = parts_.reactor.clock().mono_ms();
    co_return outcome;
  }

  const Parts parts_;

 private:
  Task<void> ping_for_ever(std::int64_t every_ms);

  static constexpr std::int64_t kSendMs = 30'000;

  std::int64_t dead_ms_ = 45'000;
  std::int64_t busy_until_ms_;
  rt::TaskScope tasks_;
};

/// What a control plane is told about a configuration that was not taken.
[[nodiscard]] std::string_view error_name(Refusal::Kind kind);

}  // namespace sluice::dataplane
