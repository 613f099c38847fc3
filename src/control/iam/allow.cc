// SPDX-License-Identifier: Apache-2.0
#include "control/iam/allow.h"

namespace sluice::control::iam {

bool is_front_door(std::string_view object) {
  return object == "/v3/session" || object == "/v3/set-up" || object.starts_with("/v3/set-up/");
}

bool may_see_secrets(const Principal& principal) {
  return principal.kind == Kind::Local || principal.kind == Kind::Administrator;
}

bool allow(const Principal& principal, Action action, std::string_view object) {
  if (principal.kind == Kind::Nobody) return false;
  if (is_front_door(object)) return true;
  const bool own = !principal.user.is_nil() && object.starts_with("/v3/users/me");
  if (principal.kind == Kind::Reader) return action == Action::Read || own;
  return principal.kind == Kind::Local || principal.kind == Kind::Administrator;
}

}  // namespace sluice::control::iam
