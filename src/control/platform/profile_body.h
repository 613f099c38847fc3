// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <functional>
#include <vector>

#include "base/json.h"
#include "control/planes/plane_profile.h"
#include "control/platform/problem.h"

namespace sluice::control::platform {

/// What a body says of a control plane, by the rules of the contract; every violation at once.
std::expected<planes::PlaneProfile, std::vector<InvalidParameter>> read_new_profile(const Json& body);
/// The same of a change: what it does to a profile. A label that is null goes.
using ProfileEdit = std::function<void(planes::PlaneProfile& profile)>;
std::expected<ProfileEdit, std::vector<InvalidParameter>> read_profile_edit(const Json& body);

}  // namespace sluice::control::platform
