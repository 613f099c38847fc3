// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace sluice::cli::openapi {

/// A name that an entity may have: letters of ASCII in lower case, digits, `.`, `_`, `~`; all else becomes single
/// dashes. For inso: case is kept, blanks become `_`.
std::string slug(std::string_view text, bool inso_compatible);

/// The version 5 UUID that the name of an entity gives it.
std::string id_of(std::string_view name);

struct RoutePath {
  std::string regex;  // "~/pets/(?<id>[^#?/]+)$"
  bool has_parameters = false;
};
/// The path of a route for a templated path.
Result<RoutePath> route_path(std::string_view path);

}  // namespace sluice::cli::openapi
