// SPDX-License-Identifier: Apache-2.0
#include "http/h2/preface.h"

#include <array>

namespace sluice::http::h2 {

Task<Result<>> sniff_preface(net::Stream& stream, std::string& early, rt::Deadline deadline) {
  while (early.size() < kPreface.size() && kPreface.starts_with(early)) {
    if (!stream.has_input() && co_await stream.readable(deadline) == rt::Wake::TimedOut) {
      co_return fail(Errc::Timeout, "nothing received in time", Blame::Client);
    }
    std::array<char, kPreface.size()> some;
    const net::Io io = stream.read({some.data(), kPreface.size() - early.size()});
    if (io.blocked()) continue;
    if (!io.moved()) co_return fail(Errc::Closed, "connection closed before a request", Blame::Client);
    early.append(some.data(), io.octets);
  }
  co_return Result<>{};
}

}  // namespace sluice::http::h2
