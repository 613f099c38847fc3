// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace sluice::http::h1 {

/// What a peer may send us before we say no.
struct HeadLimits {
  std::size_t head_octets = 32 * 1024;   // start line and fields
  std::size_t target_octets = 8 * 1024;  // request target
  std::size_t method_octets = 32;
  std::size_t fields = 200;
};

struct ParseOutcome {
  enum class State : std::uint8_t { Incomplete, Complete, Malformed };
  State state = State::Incomplete;
  std::size_t consumed = 0;  // octets of the head, when Complete
  int status = 0;            // what to answer, when Malformed
  const char* why = "";      // for the log and the reply; static text

  [[nodiscard]] bool complete() const { return state == State::Complete; }
  [[nodiscard]] bool malformed() const { return state == State::Malformed; }
};

/// Parses and judges one request head: strict RFC 9112 grammar, and everything that decides framing, host or routing
/// (Content-Length, Transfer-Encoding, Host, target form). Texts in `out` are views of `bytes`. Empty lines before the
/// request line are skipped, one as RFC 9112, 2.2 asks.
ParseOutcome parse_request(std::string_view bytes, const HeadLimits& limits, RequestHead& out);

/// Parses and judges one response head. `request_method` decides the framing (RFC 9112, 6.3).
ParseOutcome parse_response(std::string_view bytes, const HeadLimits& limits, std::string_view request_method,
                            ResponseHead& out);

/// Parses field lines up to and including the empty line; used for heads and for trailers.
ParseOutcome parse_fields(std::string_view bytes, const HeadLimits& limits, Headers& out);

/// host[:port] as RFC 9112, 3.2 demands of Host: no user information, a port of at most 65535.
bool is_valid_authority(std::string_view authority);

}  // namespace sluice::http::h1
