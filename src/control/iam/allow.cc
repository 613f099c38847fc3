// SPDX-License-Identifier: Apache-2.0
#include "control/iam/allow.h"

namespace sluice::control::iam {

bool may_see_secrets(const Principal& principal) {
  return principal.kind == Kind::Local || principal.kind == Kind::Administrator;
}

bool allow(const Principal& principal, Action action, std::string_view /*object*/) {
  if (principal.kind == Kind::Reader) return action == Action::Read;
  return principal.kind == Kind::Local || principal.kind == Kind::Administrator;
}

}  // namespace sluice::control::iam
