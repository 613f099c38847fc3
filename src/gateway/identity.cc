// SPDX-License-Identifier: Apache-2.0
#include "gateway/identity.h"

#include "entity/workspace.h"

namespace sluice::gateway {

WorkspaceView Directory::workspace() const {
  static const Uuid kDefault = *Uuid::parse(entity::Workspace::kDefaultId);
  return {kDefault, entity::Workspace::kDefaultName};
}

}  // namespace sluice::gateway
