// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "base/arena.h"
#include "http/message.h"

namespace sluice::http::h2 {

/// Whether a response of that status may have content. RFC 9110, 6.4.1.
bool may_have_content(int status);

/// What content-length says, if anything: HEAD tells what GET would have brought.
Framing response_framing(const ResponseHead& head, bool has_body, std::string_view request_method);

/// The head in nghttp2's form: :status first, then the fields that exist in HTTP/2, names in lower case. The array lies
/// in `arena`. nghttp2 copies no text: the head's texts and the arena live until the frame is in the output buffer,
/// which Session::gather() sees to within the same call, or the stream is closed or reset.
std::span<nghttp2_nv> response_fields(Arena& arena, const ResponseHead& head, Framing framing);

/// The same of a request, its pseudo-header fields first. Te is written as "trailers", whatever it says.
std::span<nghttp2_nv> request_fields(Arena& arena, const RequestHead& head, std::string_view scheme);

/// Trailers in nghttp2's form.
std::span<nghttp2_nv> trailer_fields(Arena& arena, const Headers& trailers);

/// ":status" alone, for interim responses.
nghttp2_nv status_field(Arena& arena, int status);

}  // namespace sluice::http::h2
