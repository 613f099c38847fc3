// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sluice::cli {

/// Where `${{ env "NAME" }}` looks; nothing when the variable is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
/// That of this process.
Environment process_environment();

enum class Variables : std::uint8_t {
  Required,  // a missing one is an error
  Mocked,    // none is read: its name, `false` or `42` stands for it, so that a file can be shown anywhere
};

struct Substituted {
  std::string text;
  std::vector<std::string> values;  // that came from the environment: to be masked where they are shown
};

/// Replaces `${{ env "DECK_X" }}` and `${{ env "SLUICE_X" }}`, optionally piped through `toBool`, `toInt`, `toFloat` or
/// `indent N`. Names with another prefix are refused, so that a file cannot read just any variable. Comment lines stay
/// as they are. Errors name the line.
Result<Substituted> substitute_environment(std::string_view text, const Environment& environment,
                                           Variables variables = Variables::Required);

}  // namespace sluice::cli
