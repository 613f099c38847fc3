// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"

// Named arguments of a request: of its query and of its content, for plugins that look for one by name.
namespace sluice::plugins {

struct Argument {
  enum class Kind : std::uint8_t {
    Missing,
    Flag,  // there, but not a text: `?name` without '=', a JSON number
    Text,  // exactly one
    Several,
  };
  Kind kind = Kind::Missing;
  std::string_view text;  // decoded; a view of the input or of the arena
};

/// Looks in `a=1&b=2` (a query, or a form); names compare after decoding, with regard to case.
[[nodiscard]] Argument find_argument(Arena& arena, std::string_view query, std::string_view name);
/// The query without that argument, the rest in order, each '+' written `%20`; nothing when it is not there. In the
/// arena.
[[nodiscard]] std::optional<std::string_view> remove_argument(Arena& arena, std::string_view query,
                                                              std::string_view name);

/// How the content of a request names its arguments.
enum class BodyKind : std::uint8_t { Opaque, Form, Json, Multipart };
[[nodiscard]] BodyKind body_kind(std::string_view content_type);

/// The same in a request's content. Content that is not what its type says has no arguments.
[[nodiscard]] Argument find_body_argument(Arena& arena, std::string_view content_type, std::string_view bytes,
                                          std::string_view name);
[[nodiscard]] std::optional<std::string_view> remove_body_argument(Arena& arena, std::string_view content_type,
                                                                   std::string_view bytes, std::string_view name);

}  // namespace sluice::plugins
