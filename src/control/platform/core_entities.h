// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string_view>

#include "control/admin/parts.h"
#include "control/admin/route_tree.h"
#include "control/platform/parts.h"
#include "control/platform/problem.h"

namespace sluice::control::platform {

/// The Admin API of each control plane, below `/v2/control-planes/{id}/core-entities`. What it takes to answer is made
/// when somebody asks, and kept for those control planes that were asked for last. Belongs to the control shard.
class CoreEntities {
 public:
  /// `parts` outlives it.
  explicit CoreEntities(const Parts& parts) : parts_(parts) {}
  CoreEntities(const CoreEntities&) = delete;
  CoreEntities& operator=(const CoreEntities&) = delete;

  /// Answers a request to `path`, which begins behind `core-entities`. Everything outlives the task.
  Task<Reply> answer(Uuid control_plane, std::string_view path, Request& request, std::string_view allowed_headers);

 private:
  struct Api;
  std::shared_ptr<Api> api_of(planes::ControlPlane& plane);

  const Parts& parts_;
  std::list<std::shared_ptr<Api>> recent_;  // the last one first; shared with requests that are under way
};

}  // namespace sluice::control::platform
