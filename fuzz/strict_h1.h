// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A second HTTP/1 parser, written from RFC 9112 alone and sharing no code with src/http, as the upstream that reads
// what we forward. Slow, simple, and without mercy: what it cannot read in exactly one way it refuses.
namespace sluice::fuzz {

struct StrictHead {
  std::string method;  // of a request
  std::string target;  // of a request
  std::string status;  // of a response: three digits
  std::string version;
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<std::uint64_t> length;
  bool chunked = false;
  std::string_view rest;  // what follows the head

  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
};

std::string lower_case(std::string_view text);

/// Nothing when the text does not begin with a whole, flawless head.
std::optional<StrictHead> strict_request(std::string_view text);
std::optional<StrictHead> strict_response(std::string_view text);

struct StrictBody {
  std::string content;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::size_t consumed = 0;
};
/// RFC 9112, 7.1: a whole chunked content at the beginning of `text`.
std::optional<StrictBody> strict_chunked(std::string_view text);

}  // namespace sluice::fuzz
