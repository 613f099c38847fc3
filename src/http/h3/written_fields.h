// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include <nghttp2/nghttp2.h>
#include <nghttp3/nghttp3.h>

#include "base/arena.h"

namespace sluice::http::h3 {

/// The fields that h2/written_fields.h makes, as nghttp3 takes them: names in lower case, which nghttp2 sees to by
/// itself. The array lies in `arena`; nghttp3 copies the texts.
std::span<nghttp3_nv> as_http3(Arena& arena, std::span<const nghttp2_nv> fields);

}  // namespace sluice::http::h3
