// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "configuration.h"
#include "gateway/node.h"
#include "node_parts.h"
#include "settings/settings.h"

namespace sluice::apps {

/// What a node of role=data_plane has in the place of a store and an Admin API: the last good configuration on disk,
/// the link to its control plane, and the status listener. Lives on the control reactor.
class DataPlane {
 public:
  /// What it is made of; all of it outlives the data plane.
  struct Parts {
    const settings::Settings& settings;
    const Vocabulary& vocabulary;
    gateway::Node& node;
    rt::Reactor& control;
    const gateway::NodeParts& node_parts;
  };
  /// Fails when the cluster certificate or its key are no good.
  static Result<std::unique_ptr<DataPlane>> make(Parts parts, const Materials& materials);
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;
  ~DataPlane();

  /// Serves what is on disk, before any listener is open. Blocks. Without anything there the node is not ready, and
  /// becomes so when a configuration comes.
  void serve_kept();
  /// Joins the control plane.
  void start();
  /// Leaves it, and writes nothing any more when this is over, within seconds: another process does. start() joins
  /// again.
  Task<void> leave();
  /// Stops accepting connections of the status API.
  void leave_status();
  /// Serves on open sockets, in the order of status_listen; owns them from then on.
  void listen(const std::vector<int>& status);
  /// Takes over what settings may change while the process runs; TLS for connections that come later.
  void reconfigure(AdminTls tls);

 private:
  struct Members;
  explicit DataPlane(std::unique_ptr<Members> members);
  std::unique_ptr<Members> members_;
};

}  // namespace sluice::apps
