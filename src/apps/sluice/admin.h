// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "configuration.h"
#include "control/planes/control_planes.h"
#include "gateway/node.h"
#include "http/server_stream.h"
#include "node_parts.h"
#include "sockets.h"
#include "storage.h"
#include "store/async_store.h"
#include "store/memory_store.h"

namespace sluice::apps {

/// The listeners of the Admin API, the status API and the platform API of the process, and the store behind them. Lives
/// on the control reactor.
class Admin {
 public:
  /// Everything given outlives it. `stored` is empty where nothing is kept.
  Admin(const settings::Settings& settings, const Vocabulary& vocabulary, gateway::Node& node, rt::Reactor& control,
        const gateway::NodeParts& parts, StoredState stored, bool supervised);
  ~Admin();

  /// The configuration of the start, before any listener is open. Blocks. False: `problems` says why.
  bool take_first(sync::Delta delta, std::string& problems);
  /// The same for what the store holds. What cannot be served is logged; then nothing is, but it can be changed. Throws
  /// when the store cannot be read any more.
  void take_stored();
  /// Replaces the configuration; empty when it is live, else everything that is wrong.
  Task<std::string> replace(sync::Delta delta);
  /// Follows the store, and cares for it, from now on; where there is one.
  void keep_store();
  /// Serves on open sockets, in the order of the settings; owns them from then on, but for those of proxies.
  void listen(const ListeningSockets& sockets);
  /// Lets another process write into the store: takes no requests of the Admin API and the platform API any more,
  /// finishes those in flight, and what it does by itself. The status API goes on.
  Task<void> release();
  /// After release(): all of it again, on these sockets.
  void resume(const ListeningSockets& sockets);
  /// Stops accepting connections of the status API: whoever asks for the node's state asks the next process.
  void leave_status();
  /// Takes over what settings may change while the process runs; TLS for connections that come later.
  void reconfigure(AdminTls tls);
  [[nodiscard]] const store::MemoryStore& store() const;
  /// Where they are kept; null on a node without a store, as the next.
  [[nodiscard]] store::AsyncStore* durable();
  /// The control planes of this installation.
  [[nodiscard]] control::planes::ControlPlanes* planes();
  /// Answers an ingress controller that came by the cluster listener. Only where there is a store.
  Task<void> serve_ingress(http::ServerStream& stream);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::apps
