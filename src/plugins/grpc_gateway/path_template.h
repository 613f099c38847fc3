// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "expr/regex.h"

namespace sluice::plugins::grpc {

/// A path of `google.api.http`: literals, `*` (one segment), `**` (the rest), `{field}` and `{field=pattern}`, and a
/// verb behind a colon.
class PathTemplate {
 public:
  static Result<PathTemplate> parse(std::string_view text);

  /// The fields that `path` names, decoded; nothing when it does not match.
  [[nodiscard]] std::optional<std::vector<std::pair<std::string_view, std::string>>> match(std::string_view path) const;

 private:
  expr::RegexRef pattern_;
  std::vector<std::string> fields_;  // by number of group, from 1
};

}  // namespace sluice::plugins::grpc
