// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sluice::gateway {

/// The content of an answer that the gateway makes up, in the format that the client likes best.
struct ErrorBody {
  std::string text;
  std::string_view content_type;  // static text
};

/// Chooses JSON, HTML, XML or plain text by Accept: highest q, the first of equal ones, unknown types ignored. Without
/// a match `fallback` (error_default_type for the gateway's own refusals, JSON for plugins') decides. The message is
/// escaped for the format.
ErrorBody error_body(std::string_view accept, std::string_view fallback, std::string_view message,
                     std::string_view request_id);

/// What Kong's clients read when a plugin or the gateway names only a status.
std::string_view default_message(int status);

}  // namespace sluice::gateway
