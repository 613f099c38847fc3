// SPDX-License-Identifier: Apache-2.0
#include "http/h1/chunked.h"

#include <algorithm>

#include "http/h1/scan.h"

namespace sluice::http::h1 {
namespace {

// No content is that large: whoever announces more wants an overflow somewhere.
constexpr std::uint64_t kLargestChunk = std::uint64_t{1} << 60U;

using Step = ChunkedDecoder::Step;

Step error(const char* why) {
  return {Step::Kind::Error, 0, {}, why};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

const char* skip_blanks(const char* at, const char* end) {
  while (at != end && (*at == ' ' || *at == '\t')) ++at;
  return at;
}

/// A quoted-string (RFC 9110, 5.6.4) from its opening quote; null when it does not end.
const char* skip_quoted(const char* at, const char* end) {
  for (++at; at != end; ++at) {
    if (*at == '"') return at + 1;
    if (*at != '\\') continue;
    if (++at == end) return nullptr;
  }
  return nullptr;
}

/// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
bool are_extensions(std::string_view text) {
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    at = skip_blanks(at, end);
    if (at == end || *at != ';') return false;
    at = skip_blanks(at + 1, end);
    const char* name_end = find_token_end(at, end);
    if (name_end == at) return false;
    at = name_end;
    const char* equals = skip_blanks(at, end);
    if (equals == end || *equals != '=') continue;
    at = skip_blanks(equals + 1, end);
    if (at == end) return false;
    const char* value_end = *at == '"' ? skip_quoted(at, end) : find_token_end(at, end);
    if (value_end == nullptr || value_end == at) return false;
    at = value_end;
  }
  return true;
}

}  // namespace

Step ChunkedDecoder::next(std::string_view bytes) {
  switch (at_) {
    case At::Size:
      return size_line(bytes);
    case At::Data: {
      if (bytes.empty()) return {};
      auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      left_ -= take;
      if (left_ == 0) at_ = At::DataEnd;
      return {Step::Kind::Data, take, bytes.substr(0, take), ""};
    }
    case At::DataEnd:
      if (!std::string_view("\r\n").starts_with(bytes.substr(0, 2))) return error("no CRLF behind a chunk");
      if (bytes.size() < 2) return {};
      at_ = At::Size;
      return {Step::Kind::Data, 2, {}, ""};
    case At::Trailers:
      return trailer_section(bytes);
    case At::End:
      return {Step::Kind::Done, 0, {}, ""};
  }
  return error("impossible state");
}

Step ChunkedDecoder::size_line(std::string_view bytes) {
  std::uint64_t size = 0;
  std::size_t digits = 0;
  while (digits < bytes.size() && hex_digit(bytes[digits]) >= 0) {
    if (digits == 16 || size > (kLargestChunk >> 4U)) return error("chunk size out of range");
    size = size * 16 + static_cast<std::uint64_t>(hex_digit(bytes[digits]));
    ++digits;
  }
  if (digits == 0) return bytes.empty() ? Step{} : error("chunk size is not hexadecimal");

  const char* begin = bytes.data() + digits;
  const char* end = bytes.data() + bytes.size();
  const char* line_end = find_value_end(begin, end);
  if (static_cast<std::size_t>(line_end - bytes.data()) > kMaxSizeLine) return error("chunk extension too long");
  if (line_end == end) return {};
  if (*line_end != '\r') return error("invalid octet in a chunk size line");
  if (line_end + 1 == end) return {};
  if (line_end[1] != '\n') return error("bare CR in a chunk size line");
  std::string_view extensions(begin, static_cast<std::size_t>(line_end - begin));
  if (!are_extensions(extensions)) return error("malformed chunk extension");
  overhead_ += extensions.size();
  if (overhead_ > kExtensionBudget) return error("too much spent on chunk extensions");

  left_ = size;
  at_ = size == 0 ? At::Trailers : At::Data;
  return {Step::Kind::Data, static_cast<std::size_t>(line_end + 2 - bytes.data()), {}, ""};
}

Step ChunkedDecoder::trailer_section(std::string_view bytes) {
  static constexpr HeadLimits kTrailerLimits{
      .head_octets = 8 * 1024, .target_octets = 0, .method_octets = 0, .fields = 64};
  trailers_->clear();
  ParseOutcome outcome = parse_fields(bytes, kTrailerLimits, *trailers_);
  if (outcome.malformed()) return error(outcome.why);
  if (!outcome.complete()) return {};
  at_ = At::End;
  // The views must outlive the octets shown here.
  Arena& arena = trailers_->arena();
  Headers copied(arena);
  for (const Field& field : *trailers_) {
    if (may_be_trailer(field.name)) copied.add(field.name, field.value);
  }
  *trailers_ = std::move(copied);
  return {Step::Kind::Done, outcome.consumed, {}, ""};
}

}  // namespace sluice::http::h1
