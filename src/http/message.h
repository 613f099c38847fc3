// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "http/headers.h"

namespace sluice::http {

enum class Version : std::uint8_t { Http10, Http11, Http2, Http3 };

/// How a message's content is delimited. RFC 9112, 6.
struct Framing {
  enum class Kind : std::uint8_t { None, Length, Chunked, UntilClose };
  Kind kind = Kind::None;
  std::uint64_t length = 0;  // octets, for Kind::Length

  [[nodiscard]] bool has_body() const { return kind != Kind::None && !(kind == Kind::Length && length == 0); }
};

/// A request without its content. Texts are views: of the received head (kept in the arena) or of the arena.
struct RequestHead {
  explicit RequestHead(Arena& arena) : headers(arena) {}

  std::string_view method;
  std::string_view target;     // as received
  std::string_view path;       // of the target, not normalised; "*" for OPTIONS *
  std::string_view query;      // without '?'
  bool has_query = false;      // tells "/x?" from "/x"
  std::string_view authority;  // host[:port], as received; from the target in absolute form (RFC 9112, 3.2.2)
  Version version = Version::Http11;
  Framing framing;
  Headers headers;
};

/// A response without its content.
struct ResponseHead {
  explicit ResponseHead(Arena& arena) : headers(arena) {}

  int status = 0;
  std::string_view reason;  // as received; empty means the standard phrase
  Version version = Version::Http11;
  Framing framing;
  Headers headers;
};

/// The standard phrase of a status code; "Unknown" for others. RFC 9110, 15.
std::string_view reason_phrase(int status);

}  // namespace sluice::http
