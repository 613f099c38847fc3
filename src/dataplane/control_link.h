// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/applier.h"
#include "dataplane/cache.h"
#include "dataplane/cluster_identity.h"
#include "dataplane/conversation.h"
#include "dataplane/fallback.h"
#include "dataplane/reconnect_delay.h"
#include "net/dns/resolver.h"
#include "rt/scope.h"
#include "sync/expiry_watch.h"

namespace sluice::dataplane {

/// What people are told of the link.
struct LinkStatus {
  bool connected = false;
  std::string protocol;               // "v1", "v2", "v2 strict"; of the last link
  std::int64_t since_ms = 0;          // wall clock; of the last change of `connected`, 0: there was none
  std::int64_t since_mono_ms = 0;     // the same by the monotonic clock
  std::string last_error;             // why it is not connected
  std::int64_t certificate_ends = 0;  // Unix seconds; 0: it could not be read
  std::uint64_t attempts = 0;
  /// When the copy was signed that is served because the control plane is away; Unix seconds, 0: none is.
  std::int64_t copy_made_at = 0;
};

/// The way to the control plane: connects, follows the configuration, and comes back when the link is lost, for ever.
/// Belongs to the control reactor; destroying it ends the link.
class ControlLink {
 public:
  /// Everything borrowed outlives it.
  struct Parts {
    rt::Reactor& reactor;
    rt::BlockingPool& pool;
    net::dns::Resolver* resolver;  // null: the control plane is named by its address
    const entity::Catalog& catalog;
    Applier& applier;
    Cache& cache;
    Fallback* fallback;  // null: there is none
    /// Reads certificate and key; may block.
    std::function<Result<ClusterMaterials>()> read_materials;
  };
  ControlLink(Parts parts, LinkSettings settings) : parts_(std::move(parts)), settings_(std::move(settings)) {}
  ControlLink(const ControlLink&) = delete;
  ControlLink& operator=(const ControlLink&) = delete;

  void start();
  /// Ends the link, until start(): another process follows the control plane now.
  void stop();
  [[nodiscard]] const LinkStatus& status() const { return status_; }

 private:
  using Identity = std::shared_ptr<const ClusterIdentity>;

  Task<void> stay_connected();
  Task<void> keep_house();
  Task<Result<>> learn_identity();
  Task<Error> connect_once();
  Task<Error> speak(std::string_view path, bool rpc, bool& try_protocol_1);
  [[nodiscard]] std::string target(std::string_view path, bool rpc) const;
  void set_connected(bool connected, std::string_view protocol);
  void report(const Error& error, bool was_connected);
  Task<void> fall_back_beside(std::uint64_t attempt);
  Task<void> fall_back();

  const Parts parts_;
  const LinkSettings settings_;
  LinkStatus status_;
  Identity identity_;
  sync::ExpiryWatch expiry_;
  ReconnectDelay delay_;
  int unheard_ = 0;                // greetings in a row that nobody answered
  std::int64_t connected_ms_ = 0;  // monotonic; of the present link, 0: none
  std::string reported_;           // the last error, so that the same one is not said again
  std::string unreadable_;         // why the certificate's files were not, at the last look
  std::string fallback_reported_;
  bool falling_back_ = false;
  rt::TaskScope tasks_;
};

}  // namespace sluice::dataplane
