// SPDX-License-Identifier: Apache-2.0
#include "request_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sluice::bench {
namespace {

constexpr std::size_t kDefaultReply = 200;
constexpr std::string_view kSizedPath = "/bytes/";

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::size_t number(std::string_view text, int base = 10) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

/// "/any/prefix/bytes/1000?x" asks for 1000 bytes; other paths get a small reply.
std::size_t bytes_asked(std::string_view target) {
  const auto at = target.rfind(kSizedPath);
  return at == std::string_view::npos ? kDefaultReply : number(target.substr(at + kSizedPath.size()));
}

}  // namespace

void RequestReader::feed(std::string_view bytes) {
  if (used_ == buffer_.size()) {
    buffer_.clear();
    used_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<Request> RequestReader::next() {
  while (true) {
    switch (state_) {
      case State::Head:
        if (!read_head()) return std::nullopt;
        break;
      case State::Body:
        if (!skip(body_left_)) return std::nullopt;
        state_ = State::Head;
        return request_;
      case State::ChunkSize:
        if (!read_chunk_size()) return std::nullopt;
        break;
      case State::ChunkData:
        if (!skip(body_left_)) return std::nullopt;
        state_ = State::ChunkSize;
        break;
      case State::Trailer: {
        const auto line = take_line();
        if (!line) return std::nullopt;
        if (!line->empty()) break;
        state_ = State::Head;
        return request_;
      }
    }
  }
}

bool RequestReader::read_head() {
  const auto end = rest().find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  std::string_view head = rest().substr(0, end);
  used_ += end + 4;

  const auto line = head.substr(0, head.find("\r\n"));
  const auto target_at = line.find(' ') + 1;
  request_ = {.reply_bytes = bytes_asked(line.substr(target_at, line.rfind(' ') - target_at))};
  request_.keep_alive = !line.ends_with("HTTP/1.0");
  state_ = State::Body;
  body_left_ = 0;
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n")) {
    head.remove_prefix(at + 2);
    const auto field = head.substr(0, head.find("\r\n"));
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    const auto name = field.substr(0, colon);
    auto value = field.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (same_letters(name, "content-length")) body_left_ = number(value);
    if (same_letters(name, "transfer-encoding")) state_ = State::ChunkSize;
    if (same_letters(name, "connection") && same_letters(value, "close")) request_.keep_alive = false;
  }
  return true;
}

bool RequestReader::read_chunk_size() {
  const auto line = take_line();
  if (!line) return false;
  const auto size = number(*line, 16);
  state_ = size == 0 ? State::Trailer : State::ChunkData;
  body_left_ = size + 2;  // its CRLF goes with it
  return true;
}

bool RequestReader::skip(std::size_t& left) {
  const auto step = std::min(left, rest().size());
  used_ += step;
  left -= step;
  return left == 0;
}

std::optional<std::string_view> RequestReader::take_line() {
  const auto end = rest().find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = rest().substr(0, end);
  used_ += end + 2;
  return line;
}

}  // namespace sluice::bench
