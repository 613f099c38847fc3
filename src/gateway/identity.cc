// SPDX-License-Identifier: Apache-2.0
#include "gateway/identity.h"

#include "entity/workspace.h"

namespace sluice::gateway {

std::string qualified_identity(const Uuid& owner, std::string_view name) {
  std::string identity = owner.is_nil() ? std::string() : owner.to_string();
  return identity.append(":").append(name);  // before the colon stands nothing, or 36 characters without one
}

WorkspaceView Directory::workspace() const {
  static const Uuid kDefault = *Uuid::parse(entity::Workspace::kDefaultId);
  return {kDefault, entity::Workspace::kDefaultName};
}

}  // namespace sluice::gateway
