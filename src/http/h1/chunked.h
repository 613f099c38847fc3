// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/h1/parser.h"
#include "http/headers.h"

namespace sluice::http::h1 {

/// Decodes the chunked transfer coding (RFC 9112, 7.1), strictly: CRLF only, hexadecimal digits only, well-formed
/// extensions within a budget. Does no I/O: it is shown octets and says what they are.
class ChunkedDecoder {
 public:
  /// `trailers` receives the trailer section; it must outlive the decoder.
  explicit ChunkedDecoder(Headers& trailers) : trailers_(&trailers) {}

  struct Step {
    enum class Kind : std::uint8_t {
      Data,      // `data` is content
      NeedMore,  // show the unconsumed octets again with more behind them
      Done,      // the message is complete
      Error,
    };
    Kind kind = Kind::NeedMore;
    std::size_t consumed = 0;
    std::string_view data;
    const char* why = "";
  };

  /// Looks at `bytes` and takes one step; the caller drops `consumed` octets before the next.
  Step next(std::string_view bytes);

 private:
  enum class At : std::uint8_t { Size, Data, DataEnd, Trailers, End };

  Step size_line(std::string_view bytes);
  Step trailer_section(std::string_view bytes);

  // Extensions carry nothing for us, so a sender that spends more on them than this is attacking.
  static constexpr std::size_t kExtensionBudget = 16 * 1024;
  static constexpr std::size_t kMaxSizeLine = 4 * 1024;

  Headers* trailers_;
  At at_ = At::Size;
  std::uint64_t left_ = 0;
  std::size_t overhead_ = 0;
};

}  // namespace sluice::http::h1
