// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/error.h"

namespace sluice::process {

/// Writes a small file at `path`, which is "name" or "folder/name", below `parent`. It is there whole or not at all,
/// and never through a link: not where an old file of the name is one, nor where the folder is. So root may write where
/// a less privileged user writes too.
Result<> replace_file(const std::string& parent, const std::string& path, std::string_view text, mode_t mode);

}  // namespace sluice::process
