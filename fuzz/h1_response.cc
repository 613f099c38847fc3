// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "base/arena.h"
#include "http/h1/parser.h"
#include "http/h1/serialize.h"
#include "input.h"
#include "strict_h1.h"

namespace {

using namespace sluice;
using http::Framing;

void compare_received(const http::ResponseHead& head, const fuzz::StrictHead& strict, bool to_head) {
  fuzz::expect(strict.status == std::to_string(head.status), "the same status");
  fuzz::expect(strict.fields.size() == head.headers.size(), "as many fields");
  std::size_t i = 0;
  for (const http::Field& field : head.headers) {
    fuzz::expect(strict.fields[i].first == field.name && strict.fields[i].second == field.value, "the same field");
    ++i;
  }
  const bool never = head.status < 200 || head.status == 204 || head.status == 304;
  if (to_head || never) {
    fuzz::expect(head.framing.kind == Framing::Kind::None || (to_head && head.framing.length == strict.length),
                 "no content");
  } else {
    fuzz::expect(strict.chunked == (head.framing.kind == Framing::Kind::Chunked), "chunked for both");
    fuzz::expect(strict.length.has_value() == (head.framing.kind == Framing::Kind::Length), "a length for both");
    if (strict.length) fuzz::expect(*strict.length == head.framing.length, "the same length");
  }
}

void compare_forwarded(const http::ResponseHead& head) {
  std::vector<char> buffer(256 * 1024);
  http::h1::HeadWriter writer(buffer.data(), buffer.size());
  http::h1::write_response_head(writer, head, head.framing, http::h1::Persistence::KeepAlive);
  fuzz::expect(!writer.overflow(), "an accepted head fits");
  const auto strict = fuzz::strict_response(writer.written());
  fuzz::expect(strict.has_value() && strict->rest.empty(), "what we forward is one whole head");
  fuzz::expect(strict->status == std::to_string(head.status), "the status as meant");
  fuzz::expect(strict->chunked == (head.framing.kind == Framing::Kind::Chunked), "chunked as meant");
  fuzz::expect(strict->length.has_value() == (head.framing.kind == Framing::Kind::Length), "a length as meant");
}

}  // namespace

/// The first octet chooses the request's method; the rest is what an upstream answers.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  static constexpr std::array<std::string_view, 3> kMethods = {"GET", "HEAD", "POST"};
  const std::string_view method = kMethods[fuzz::choose(input, kMethods.size())];
  const std::string text(input);
  Arena arena;
  http::ResponseHead head(arena);
  const auto outcome = http::h1::parse_response(text, {}, method, head);
  if (outcome.malformed()) fuzz::expect(outcome.status == 502, "an upstream's fault");
  if (!outcome.complete()) return 0;

  const auto strict = fuzz::strict_response(text);
  fuzz::expect(strict.has_value(), "a strict reader accepts what we accept");
  fuzz::expect(text.size() - strict->rest.size() == outcome.consumed, "the head ends in the same place");
  compare_received(head, *strict, method == "HEAD");
  compare_forwarded(head);
  return 0;
}
