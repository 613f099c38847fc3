// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sluice::gateway::router {

/// Why a path is refused with 400: upstreams would disagree about what it names, so that a protected path could be
/// reached under the spelling of an open one.
enum class PathIssue : std::uint8_t {
  NotAbsolute,    // does not begin with `/`
  ControlOctet,   // below 0x21 or 0x7F, plain or escaped
  Backslash,      // plain or as %5C: some upstreams take it for a slash
  Fragment,       // `#`
  BadEscape,      // `%` without two hexadecimal digits
  Overlong,       // octets that decode to a shorter character in lax UTF-8 decoders
  ParameterDots,  // `..;x`: a dot segment for upstreams that cut path parameters off first
  EncodedSlash,   // %2F that makes a dot segment or an empty one once it is decoded
};
/// One line for the log and the client.
std::string_view to_string(PathIssue issue);

/// Whether `a%2Fb` is one segment. Some upstreams decode it and see two, so that `/api%2Fadmin` escapes a rule for
/// `/api/admin`; others need it (project names in URLs). Forms that would become dot or empty segments are always
/// refused.
enum class EncodedSlashes : std::uint8_t { Keep, Refuse };

/// The normal form in which a path is matched and forwarded: escapes of unreserved characters decoded once, other
/// escapes in capitals, repeated slashes merged, dot segments resolved (RFC 3986, 6.2.2). What cannot be brought into
/// one form that all upstreams share is refused.
///
/// `path` is the request target without query. The result is a view of `path` if nothing had to change, which is
/// found out in one pass, else of `buffer`.
std::expected<std::string_view, PathIssue> normalize_path(std::string_view path, std::string& buffer,
                                                          EncodedSlashes slashes = EncodedSlashes::Keep);

}  // namespace sluice::gateway::router
