// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// What RFC 6455 demands of texts and of close codes.
namespace sluice::http::websocket {

/// Judges a text of which the beginning has arrived, so that a bad one is refused at its first bad octet. `checked`
/// octets of it are known to be whole sequences; the result is how many are now (all but an unfinished last one), or
/// none when the text can no longer become UTF-8. RFC 6455, 8.1.
[[nodiscard]] std::optional<std::size_t> check_text(std::string_view text, std::size_t checked);

/// Whether a close frame may carry that code: what RFC 6455, 7.4 and the IANA registry define for the wire, and the
/// ranges for libraries and applications.
[[nodiscard]] bool is_close_code(std::uint16_t code);

}  // namespace sluice::http::websocket
