// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sluice::http::h1 {

/// The scanners below return the first octet in [begin, end) that does not belong, or `end`. They look at 16 octets at
/// a time with SSE4.2, which every machine we build for has (x86-64-v2).

/// First octet that may not stand in a field value: a control octet other than HTAB, or DEL. CR ends a value.
const char* find_value_end(const char* begin, const char* end);

/// First octet that may not stand in a request target: anything outside 0x21..0x7E, and '#' never.
const char* find_target_end(const char* begin, const char* end);

/// First octet that is no tchar (RFC 9110, 5.6.2).
const char* find_token_end(const char* begin, const char* end);

/// The end of the empty line that ends a head ("\r\n\r\n"), or null.
const char* find_head_end(const char* begin, const char* end);

}  // namespace sluice::http::h1
