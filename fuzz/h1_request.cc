// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include "base/arena.h"
#include "http/h1/parser.h"
#include "http/h1/scan.h"
#include "http/h1/serialize.h"
#include "input.h"
#include "strict_h1.h"

namespace {

using namespace sluice;
using http::Framing;
using http::h1::ParseOutcome;

void compare_framing(const Framing& framing, const fuzz::StrictHead& strict) {
  fuzz::expect(strict.chunked == (framing.kind == Framing::Kind::Chunked), "chunked for both");
  fuzz::expect(strict.length.has_value() == (framing.kind == Framing::Kind::Length), "a length for both");
  if (strict.length) fuzz::expect(*strict.length == framing.length, "the same length");
}

/// What the client sent, as a strict reader in our place sees it.
void compare_received(const http::RequestHead& head, std::string_view text, std::size_t consumed) {
  if (text.starts_with("\r\n")) {
    text.remove_prefix(2);
    consumed -= 2;
  }
  const auto strict = fuzz::strict_request(text);
  fuzz::expect(strict.has_value(), "a strict reader accepts what we accept");
  fuzz::expect(strict->method == head.method && strict->target == head.target, "the same request line");
  fuzz::expect(text.size() - strict->rest.size() == consumed, "the head ends in the same place");
  fuzz::expect(strict->fields.size() == head.headers.size(), "as many fields");
  std::size_t i = 0;
  for (const http::Field& field : head.headers) {
    fuzz::expect(strict->fields[i].first == field.name && strict->fields[i].second == field.value, "the same field");
    fuzz::expect(field.known == http::known_field(field.name), "recognised field");
    ++i;
  }
  compare_framing(head.framing, *strict);
}

/// What we send on, as an upstream reads it.
void compare_forwarded(http::RequestHead& head) {
  std::string target(head.path);
  if (head.has_query) target.append("?").append(head.query);
  head.target = target;
  std::vector<char> buffer(256 * 1024);
  http::h1::HeadWriter writer(buffer.data(), buffer.size());
  http::h1::write_request_head(writer, head);
  fuzz::expect(!writer.overflow(), "an accepted head fits");

  const auto strict = fuzz::strict_request(writer.written());
  fuzz::expect(strict.has_value() && strict->rest.empty(), "what we forward is one whole head");
  fuzz::expect(strict->method == head.method && strict->target == target, "the request line as meant");
  fuzz::expect(strict->values("host") == std::vector<std::string>{std::string(head.authority)}, "one Host, as meant");
  compare_framing(head.framing, *strict);
  for (const http::Field& field : head.headers) {
    using http::Known;
    if (field.known == Known::Host || field.known == Known::ContentLength || field.known == Known::TransferEncoding ||
        field.known == Known::Connection) {
      continue;
    }
    const auto values = strict->values(fuzz::lower_case(field.name));
    fuzz::expect(std::find(values.begin(), values.end(), field.value) != values.end(), "the field goes along");
  }
}

}  // namespace

/// Whatever we accept, a second parser reads in the same way: as it came, and as we forward it.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  Arena arena;
  http::RequestHead head(arena);
  const ParseOutcome outcome = http::h1::parse_request(text, {}, head);

  // A beginning of an acceptable head is never refused, and never accepted before its end.
  const std::string_view begun = std::string_view(text).substr(0, outcome.complete() ? outcome.consumed - 1 : size / 2);
  http::RequestHead partial(arena);
  const ParseOutcome early = http::h1::parse_request(std::string(begun), {}, partial);
  if (outcome.complete()) fuzz::expect(!early.complete() && !early.malformed(), "incomplete until its last octet");
  if (early.malformed()) fuzz::expect(outcome.malformed(), "what is malformed stays malformed");

  if (outcome.malformed())
    fuzz::expect(outcome.status >= 400 && outcome.status < 600 && *outcome.why != '\0', "says why");
  if (!outcome.complete()) return 0;
  compare_received(head, text, outcome.consumed);
  compare_forwarded(head);
  return 0;
}
