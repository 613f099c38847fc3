// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sluice::process {

/// Absolute path under which this program was started: links in it are not followed, since a newer version may stand at
/// their end later. Empty when it cannot be told. For the start of a process: its working folder counts.
std::string path_of_program();

}  // namespace sluice::process
