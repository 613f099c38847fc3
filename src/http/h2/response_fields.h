// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/h1/parser.h"
#include "http/message.h"

namespace sluice::http::h2 {

/// Takes the fields of a response as HPACK delivers them and judges them by RFC 9113, 8.2 and 8.3, so that nothing
/// reaches a client, perhaps over HTTP/1, that means something else there. nghttp2 has judged pseudo-header fields.
class ResponseFields {
 public:
  enum class Kind : std::uint8_t { Final, Interim, Malformed };

  /// Texts are copied to the arena of `head`, which outlives this.
  ResponseFields(ResponseHead& head, const h1::HeadLimits& limits) : head_(head), limits_(limits) {}

  /// One field line, pseudo-header fields included.
  void add(std::string_view name, std::string_view value);
  /// The list is complete. After an interim head, of which nothing is kept, another one follows.
  Kind finish(bool ends_stream);

  /// What is wrong, as static text.
  [[nodiscard]] const char* why() const { return why_; }
  /// So far over the limit that it can only be meant as an attack.
  [[nodiscard]] bool is_abusive() const;

 private:
  void refuse(const char* why);
  void add_status(std::string_view value);
  void judge_framing(bool ends_stream);

  ResponseHead& head_;
  const h1::HeadLimits& limits_;
  const char* why_ = nullptr;
  std::size_t list_octets_ = 0;
  std::size_t count_ = 0;
  unsigned interim_heads_ = 0;
};

}  // namespace sluice::http::h2
