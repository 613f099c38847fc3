// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/types.h>

#include "base/error.h"
#include "settings/settings.h"

namespace sluice::apps {

/// Creates the working folder and the folders in it.
Result<> make_prefix(const settings::Settings& settings);

/// Replaces a small file; false when that fails.
bool write_file(const std::string& path, const std::string& text, mode_t mode = 0644);

/// The node's identity: of the settings, or the one that persists in the prefix, drawn at the first start.
std::string node_id(const settings::Settings& settings);

}  // namespace sluice::apps
