// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "settings/settings.h"

namespace sluice::apps {

/// Creates the working folder and the folders in it, whatever the umask.
Result<> make_prefix(const settings::Settings& settings);

/// The folders of the prefix that a worker writes into while it serves. All else there belongs to who started us.
std::vector<std::string> folders_of_worker(const settings::Settings& settings);

/// The node's identity: of the settings, or the one that persists in the prefix, drawn at the first start. Logs when it
/// cannot be kept. To be called before rights are given up.
std::string node_id(const settings::Settings& settings);

}  // namespace sluice::apps
