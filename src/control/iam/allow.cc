// SPDX-License-Identifier: Apache-2.0
#include "control/iam/allow.h"

namespace sluice::control::iam {

bool allow(const Principal& principal, Action /*action*/, std::string_view /*object*/) {
  return principal.kind == Kind::Local || principal.kind == Kind::Administrator;
}

}  // namespace sluice::control::iam
