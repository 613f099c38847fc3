// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace sluice::control::iam {

/// What somebody wants to do with an object.
enum class Action : std::uint8_t { Read, Write };

enum class Kind : std::uint8_t {
  Nobody,         // no valid credentials where some are needed
  Visitor,        // the same, at an endpoint that is there to get some
  Local,          // admin_auth=off: whoever reaches the loopback socket
  Administrator,  // showed an administrator's token
  Reader,         // showed a token with the role read-only
};

/// Who asks.
struct Principal {
  Kind kind = Kind::Nobody;
  std::string name;   // for the audit log
  Uuid user = {};     // whose account it is; nil: nobody's
  Uuid session = {};  // nil: did not come with one
};

/// Whether secrets that are kept (keys, passwords, private keys) are shown to whoever may read what holds them.
[[nodiscard]] bool may_see_secrets(const Principal& principal);

/// Whether that is where people without credentials sign in or set up.
[[nodiscard]] bool is_front_door(std::string_view object);

/// The one place where permissions are decided; every endpoint asks here. `object` is an endpoint's pattern,
/// "/services/{services}". An administrator may do everything, a reader may read, and everybody may change what is
/// below "/v3/users/me": their own. Signing in and setting up is for all, visitors included.
[[nodiscard]] bool allow(const Principal& principal, Action action, std::string_view object);

}  // namespace sluice::control::iam
