// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "settings/settings.h"

namespace sluice::apps {

/// Where the console's files are: what `console_path` says, else beside this program as an installation or a build has
/// them. Empty: there are none.
std::string console_folder(const settings::Settings& settings);

}  // namespace sluice::apps
