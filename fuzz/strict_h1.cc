// SPDX-License-Identifier: Apache-2.0
#include "strict_h1.h"

#include <algorithm>

namespace sluice::fuzz {
namespace {

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || kTokenMarks.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet == 9 || (octet >= 32 && octet != 127);
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The text up to CRLF, which is dropped; nothing when there is none or a lone CR or LF comes first.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos || text.substr(end, 2) != "\r\n") return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

std::optional<std::vector<std::pair<std::string, std::string>>> take_fields(std::string_view& text) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (;;) {
    auto line = take_line(text);
    if (!line) return std::nullopt;
    if (line->empty()) return fields;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return std::nullopt;
    std::string_view value = trimmed(line->substr(colon + 1));
    if (!is_value(value)) return std::nullopt;
    fields.emplace_back(line->substr(0, colon), value);
  }
}

std::optional<std::uint64_t> number(std::string_view digits, unsigned base) {
  if (digits.empty()) return std::nullopt;
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));  // any number of zeros may lead
  if (digits.size() > (base == 10 ? 19U : 16U)) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : digits) {
    unsigned digit = base;
    if (is_digit(c)) digit = static_cast<unsigned>(c - '0');
    if (base == 16 && c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a') + 10;
    if (base == 16 && c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A') + 10;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

bool read_framing(StrictHead& head) {
  const auto lengths = head.values("content-length");
  const auto codings = head.values("transfer-encoding");
  if (lengths.size() > 1 || codings.size() > 1 || (!lengths.empty() && !codings.empty())) return false;
  if (!codings.empty()) {
    if (lower_case(codings[0]) != "chunked" || head.version != "HTTP/1.1") return false;
    head.chunked = true;
  }
  if (lengths.empty()) return true;
  head.length = number(lengths[0], 10);
  return head.length.has_value();
}

/// `*( ";" name [ "=" value ] )` with the white space that the grammar allows around the marks.
bool are_extensions(std::string_view text) {
  auto blanks = [&] { text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size())); };
  auto token = [&] {
    std::size_t size = 0;
    while (size < text.size() && is_token(text.substr(size, 1))) ++size;
    text.remove_prefix(size);
    return size != 0;
  };
  auto quoted = [&] {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        text.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  };
  while (!text.empty()) {
    blanks();
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    blanks();
    if (!token()) return false;
    std::string_view before = text;
    blanks();
    if (!text.starts_with('=')) {
      text = before;
      continue;
    }
    text.remove_prefix(1);
    blanks();
    if (!(text.starts_with('"') ? quoted() : token())) return false;
  }
  return true;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string> StrictHead::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [field, value] : fields) {
    if (lower_case(field) == name) found.push_back(value);
  }
  return found;
}

std::optional<StrictHead> strict_request(std::string_view text) {
  StrictHead head;
  auto line = take_line(text);
  if (!line) return std::nullopt;
  const std::size_t first = line->find(' ');
  const std::size_t last = line->rfind(' ');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  head.method = line->substr(0, first);
  head.target = line->substr(first + 1, last - first - 1);
  head.version = line->substr(last + 1);
  const bool plain =
      std::all_of(head.target.begin(), head.target.end(), [](char c) { return c > 32 && c < 127 && c != '#'; });
  const bool known = head.version.size() == 8 && head.version.starts_with("HTTP/1.") && is_digit(head.version[7]);
  if (!is_token(head.method) || head.target.empty() || !plain || !known) return std::nullopt;
  if (head.version != "HTTP/1.0") head.version = "HTTP/1.1";
  auto fields = take_fields(text);
  if (!fields) return std::nullopt;
  head.fields = *std::move(fields);
  head.rest = text;
  const std::size_t hosts = head.values("host").size();
  if (hosts > 1 || (hosts == 0 && head.version == "HTTP/1.1") || !read_framing(head)) return std::nullopt;
  return head;
}

std::optional<StrictHead> strict_response(std::string_view text) {
  StrictHead head;
  auto line = take_line(text);
  if (!line || line->size() < 12 || !line->starts_with("HTTP/1.") || !is_digit((*line)[7]) || (*line)[8] != ' ')
    return std::nullopt;
  if (line->size() > 12 && ((*line)[12] != ' ' || !is_value(line->substr(13)))) return std::nullopt;
  head.version = (*line)[7] == '0' ? "HTTP/1.0" : "HTTP/1.1";
  head.status = line->substr(9, 3);
  if (!number(head.status, 10) || head.status[0] == '0') return std::nullopt;
  auto fields = take_fields(text);
  if (!fields) return std::nullopt;
  head.fields = *std::move(fields);
  head.rest = text;
  if (!read_framing(head)) return std::nullopt;
  return head;
}

std::optional<StrictBody> strict_chunked(std::string_view text) {
  const std::size_t whole = text.size();
  StrictBody body;
  for (;;) {
    auto line = take_line(text);
    if (!line) return std::nullopt;
    std::size_t digits = 0;
    while (digits < line->size() && number(line->substr(digits, 1), 16)) ++digits;
    auto size = number(line->substr(0, digits), 16);
    if (!size || !is_value(line->substr(digits)) || !are_extensions(line->substr(digits))) return std::nullopt;
    if (*size == 0) break;
    if (text.size() < *size || text.substr(static_cast<std::size_t>(*size), 2) != "\r\n") return std::nullopt;
    body.content += text.substr(0, static_cast<std::size_t>(*size));
    text.remove_prefix(static_cast<std::size_t>(*size) + 2);
  }
  auto trailers = take_fields(text);
  if (!trailers) return std::nullopt;
  body.trailers = *std::move(trailers);
  body.consumed = whole - text.size();
  return body;
}

}  // namespace sluice::fuzz
