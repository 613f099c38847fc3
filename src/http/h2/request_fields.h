// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/h1/parser.h"
#include "http/message.h"

namespace sluice::http::h2 {

/// Why a request is not handed on: the status to answer with. 0: nothing is wrong.
struct Refusal {
  int status = 0;
  const char* why = "";  // static text

  explicit operator bool() const { return status != 0; }
};

/// Takes the fields of a request as HPACK delivers them and judges them by RFC 9113, 8.2 and 8.3, so that nothing
/// reaches the handler, and through it an HTTP/1 connection, that means something else there. The first fault is kept;
/// what follows it is counted and not stored.
class RequestFields {
 public:
  /// Texts are copied to the arena of `head`, which outlives this.
  RequestFields(RequestHead& head, const h1::HeadLimits& limits) : head_(head), limits_(limits) {}

  /// One field line, pseudo-header fields included.
  void add(std::string_view name, std::string_view value);
  /// The list is complete: judges it as a whole and fills the head. `ends_stream`: no content follows.
  Refusal finish(bool ends_stream);

  /// Octets by the measure of SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113, 6.5.2).
  [[nodiscard]] std::size_t list_octets() const { return list_octets_; }
  /// So far over the limit that it can only be meant as an attack.
  [[nodiscard]] bool is_abusive() const;

 private:
  void refuse(int status, const char* why);
  void add_pseudo(std::string_view name, std::string_view value);
  void add_regular(std::string_view name, std::string_view value);
  void add_cookie(std::string_view name, std::string_view crumb);
  void judge_method();
  void judge_path();
  void judge_authority();
  void judge_framing(bool ends_stream);

  RequestHead& head_;
  const h1::HeadLimits& limits_;
  Refusal refusal_;
  std::size_t list_octets_ = 0;
  std::size_t count_ = 0;
  std::string_view scheme_;
  bool has_method_ = false, has_scheme_ = false, has_authority_ = false, has_path_ = false;
  bool regular_seen_ = false;
};

/// Takes the fields behind the content. Framing, routing and connection fields are not allowed there (RFC 9110, 6.5.1)
/// and left out. False: malformed or too many.
bool add_trailer(Headers& trailers, std::string_view name, std::string_view value, const h1::HeadLimits& limits);

}  // namespace sluice::http::h2
