// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sluice::control::admin {

/// What an endpoint is for, in a line; empty for those of entities, whose paths say it.
[[nodiscard]] std::string_view summary_of(std::string_view pattern);

}  // namespace sluice::control::admin
