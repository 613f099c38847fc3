// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "settings/settings.h"

namespace sluice::settings {

/// What settings that are fine one by one get wrong together. Empty when nothing.
std::vector<std::string> check(const Settings& settings);

}  // namespace sluice::settings
