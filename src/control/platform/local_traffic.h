// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/planes/control_planes.h"
#include "rt/reactor.h"
#include "rt/scope.h"

namespace sluice::control::platform {

/// Has the node in this process tell the default control plane of its traffic, as data planes do over their links.
/// Lives on the control shard.
class LocalTraffic {
 public:
  /// `node`: the id of this node. Both others outlive it.
  LocalTraffic(planes::ControlPlanes& planes, rt::Reactor& reactor, const Uuid& node);

 private:
  Task<void> tell();

  planes::ControlPlanes& planes_;
  rt::Reactor& reactor_;
  const Uuid node_;
  rt::TaskScope scope_;  // last: its task uses everything above
};

}  // namespace sluice::control::platform
