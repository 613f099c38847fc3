// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/stream.h"
#include "rt/task.h"

namespace sluice::http::h2 {

/// What a client that knows in advance begins with. RFC 9113, 3.4.
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads from a plain connection until it is clear whether the client speaks HTTP/2 by prior knowledge. What was read
/// is in `early`: it begins with kPreface if so. Error: nothing usable came before the deadline.
Task<Result<>> sniff_preface(net::Stream& stream, std::string& early, rt::Deadline deadline);

}  // namespace sluice::http::h2
