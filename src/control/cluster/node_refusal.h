// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

namespace sluice::control::cluster {

/// What a node refused, as it is kept, written down and shown: {version, hash, name, message, errors, at}, at most
/// 16 kB. Of each entity that is wrong remain type, id and name, and what is said of which field: the rest may be
/// secret. What is no object becomes null.
Json bounded_config_error(const Json& error);

}  // namespace sluice::control::cluster
