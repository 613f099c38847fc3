// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

// How a browser keeps a session: a cookie that no script sees (HttpOnly), that no other site makes it send
// (SameSite=Strict), and that never leaves TLS where it began there (Secure, under a name that subdomains cannot set).
namespace sluice::control::iam {

enum class Transport : std::uint8_t { Plain, Tls };

/// The session's text that a request carries; nothing when there is none, or more than one of the same name: somebody
/// else has put one there. Over TLS a cookie that was set without it is not looked at. A view of the request.
[[nodiscard]] std::optional<std::string_view> shown_session(const http::RequestHead& request, Transport transport);

/// The value of a Set-Cookie field.
[[nodiscard]] std::string set_cookie(std::string_view text, Transport transport, std::int64_t max_age_s);
/// The same that makes the browser forget.
[[nodiscard]] std::string forget_cookie(Transport transport);

/// What requests that change something carry beside the cookie, in X-CSRF-Token. It follows from the session's text,
/// and that does not follow from it.
[[nodiscard]] std::string csrf_token(std::string_view text);

}  // namespace sluice::control::iam
