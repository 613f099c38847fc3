// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::entity {

/// What is wrong with one of a route's `paths`, in the words of the Admin API; nothing when it is fine.
std::optional<std::string> check_route_path(std::string_view path);

/// A path as the router sees it: dot segments resolved, needless percent-escapes decoded, the others in upper case,
/// repeated slashes merged. RFC 3986, 6.2.2.
std::string normalized_path(std::string_view path);

/// Whether a path of a `1.1` or `2.1` file means a regular expression: it has characters that no plain path has.
bool looks_like_regex(std::string_view path);

}  // namespace sluice::entity
