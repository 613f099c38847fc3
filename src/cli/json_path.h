// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/json_path_steps.h"
#include "schema/violations.h"

namespace sluice::cli {

/// A place that a path selects. `value` is null for the name of a member (`~`), which stands in `name` then. Invalid
/// once the document changes its shape.
struct PathMatch {
  Json* value = nullptr;
  std::vector<schema::PathPart> path;
  std::string name;

  /// `services[0].routes[1].name`; `$` for the document itself.
  [[nodiscard]] std::string where() const;
};

/// A JSONPath expression: RFC 9535 (child and descendant segments, names, indices, slices, wildcards, unions, filters
/// with comparisons, && || !, and the functions length, count, match, search), and of what JSONPath-plus adds: `~` for
/// names of members, `^` for the parent, `@property`, `@.name.match(/re/)`, `=~`. Immutable.
class JsonPath {
 public:
  /// Errors name the position.
  static Result<JsonPath> parse(std::string_view text);

  /// The places in the order of the document; one place is given once.
  [[nodiscard]] std::vector<PathMatch> select(Json& root) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<json_path::Step> steps_;
};

}  // namespace sluice::cli
