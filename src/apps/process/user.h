// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sluice::process {

/// Becomes another user, and group when one follows after a blank. Only root can; others fail.
Result<> become_user(std::string_view user_and_group);

/// Makes `folders` of `parent`, and the plain files in them, belong to that user where they belong to root, so that the
/// worker can go on writing them. `parent` itself stays whose it is. No link is followed, at any moment: the user may
/// have written these folders before, and change them while we look. A folder that does not exist is passed over.
Result<> give_to_user(const std::string& parent, std::span<const std::string> folders, std::string_view user_and_group);

}  // namespace sluice::process
