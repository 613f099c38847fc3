// SPDX-License-Identifier: Apache-2.0
#include "http/h1/chunked.h"

#include <algorithm>
#include <string>

#include "base/arena.h"
#include "input.h"
#include "strict_h1.h"

namespace {

using namespace sluice;
using Step = http::h1::ChunkedDecoder::Step;

struct Decoded {
  enum class End { Done, Error, NeedsMore };
  End end = End::NeedsMore;
  std::string content;
  std::string trailers;
  std::size_t consumed = 0;

  friend bool operator==(const Decoded& a, const Decoded& b) {
    if (a.end != b.end || a.trailers != b.trailers) return false;
    // An error is found sooner or later depending on the pieces; what was handed out before it is a common beginning.
    if (a.end == Decoded::End::Error) return a.content.starts_with(b.content) || b.content.starts_with(a.content);
    return a.content == b.content && (a.end != Decoded::End::Done || a.consumed == b.consumed);
  }
};

/// Shows the decoder `text` in pieces of the sizes that `cuts` gives; an empty `cuts`: all at once.
Decoded decode(std::string_view text, std::string_view cuts) {
  Arena arena;
  http::Headers trailers(arena);
  http::h1::ChunkedDecoder decoder(trailers);
  Decoded decoded;
  std::size_t shown = cuts.empty() ? text.size() : 0;
  std::size_t next_cut = 0;
  for (;;) {
    // Each piece lies in memory of its own size, so that a read beyond it is noticed.
    const std::string piece(text.substr(decoded.consumed, shown - decoded.consumed));
    const Step step = decoder.next(piece);
    decoded.consumed += step.consumed;
    fuzz::expect(step.consumed <= piece.size(), "consumes what it was shown");
    if (step.kind == Step::Kind::Data) decoded.content += step.data;
    if (step.kind == Step::Kind::Done || step.kind == Step::Kind::Error) {
      decoded.end = step.kind == Step::Kind::Done ? Decoded::End::Done : Decoded::End::Error;
      break;
    }
    if (step.kind != Step::Kind::NeedMore) continue;
    if (shown == text.size()) break;
    const std::size_t more = 1 + static_cast<unsigned char>(cuts[next_cut++ % cuts.size()]) % 32;
    shown = std::min(shown + more, text.size());
  }
  if (decoded.end == Decoded::End::Done) {
    for (const http::Field& field : trailers) {
      decoded.trailers.append(field.name).append(":").append(field.value).append("\n");
    }
  }
  return decoded;
}

}  // namespace

/// However the octets are cut, the content is the same, and a strict reader agrees with it.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const std::string_view cuts = input.substr(0, std::min<std::size_t>(4, input.size()));
  const std::string_view text = input.substr(cuts.size());
  const Decoded whole = decode(text, {});
  fuzz::expect(whole == decode(text, cuts), "the same in pieces");
  if (!text.empty()) fuzz::expect(whole == decode(text, std::string_view("\0", 1)), "the same octet by octet");

  if (whole.end != Decoded::End::Done) return 0;
  const auto strict = fuzz::strict_chunked(text);
  fuzz::expect(strict.has_value(), "a strict reader accepts it too");
  fuzz::expect(strict->content == whole.content && strict->consumed == whole.consumed,
               "a strict reader reads the same");
  std::string trailers;
  for (const auto& [name, value] : strict->trailers) {
    if (http::may_be_trailer(name)) trailers += name + ":" + value + "\n";  // the others are dropped on purpose
  }
  fuzz::expect(trailers == whole.trailers, "a strict reader reads the same trailers");
  return 0;
}
