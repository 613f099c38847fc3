// SPDX-License-Identifier: Apache-2.0
#include "expr/fields.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/strings.h"

namespace sluice::expr {
namespace {

struct NamedField {
  std::string_view name;
  Field field;
};

constexpr std::array kStreamFields = {
    NamedField{"net.protocol", Field::NetProtocol}, NamedField{"tls.sni", Field::TlsSni},
    NamedField{"net.src.ip", Field::SrcIp},         NamedField{"net.src.port", Field::SrcPort},
    NamedField{"net.dst.ip", Field::DstIp},         NamedField{"net.dst.port", Field::DstPort},
};
constexpr std::array kHttpFields = {
    NamedField{"http.method", Field::HttpMethod}, NamedField{"http.host", Field::HttpHost},
    NamedField{"http.path", Field::HttpPath},     NamedField{"http.path.segments.len", Field::HttpPathSegmentCount},
    NamedField{"net.port", Field::DstPort},  // deprecated alias
};

std::optional<std::uint16_t> parse_index(std::string_view text) {
  std::uint16_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return index;
}

// `3` or `0_1`.
std::optional<FieldRef> segment_range(std::string_view text) {
  const auto split = text.find('_');
  const auto first = parse_index(text.substr(0, split));
  const auto last = split == std::string_view::npos ? first : parse_index(text.substr(split + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return FieldRef{.field = Field::HttpPathSegments, .first_segment = *first, .last_segment = *last, .name = {}};
}

std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix) || text.size() == prefix.size()) return std::nullopt;
  return text.substr(prefix.size());
}

template <std::size_t N>
std::optional<FieldRef> find_in(const std::array<NamedField, N>& fields, std::string_view name) {
  for (const auto& known : fields) {
    if (known.name == name) return FieldRef{.field = known.field, .name = {}};
  }
  return std::nullopt;
}

// Position behind segment `n` that starts at `start`.
std::size_t segment_end(std::string_view path, std::size_t start) {
  const auto end = path.find('/', start);
  return end == std::string_view::npos ? path.size() : end;
}

std::string_view without_outer_slashes(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string_view decode_argument(std::string_view text, std::string& buffer) {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  buffer.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      buffer += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      buffer += text[i] == '+' ? ' ' : text[i];
    }
  }
  return buffer;
}

}  // namespace

std::string_view to_string(Protocol protocol) {
  constexpr std::array<std::string_view, 5> kNames = {"http", "https", "tcp", "tls", "udp"};
  return kNames.at(static_cast<std::size_t>(protocol));
}

bool names_header(std::string_view sent, std::string_view name) {
  if (sent.size() != name.size()) return false;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if ((sent[i] == '-' ? '_' : ascii_lower(sent[i])) != name[i]) return false;
  }
  return true;
}

Type FieldRef::type() const {
  switch (field) {
    case Field::SrcIp:
    case Field::DstIp:
      return Type::Ip;
    case Field::SrcPort:
    case Field::DstPort:
    case Field::HttpPathSegmentCount:
      return Type::Int;
    default:
      return Type::String;
  }
}

std::optional<FieldRef> find_field(Schema schema, std::string_view name) {
  if (auto common = find_in(kStreamFields, name)) return common;
  if (schema == Schema::Stream) return std::nullopt;
  if (auto http = find_in(kHttpFields, name)) return http;
  if (const auto range = after(name, "http.path.segments.")) return segment_range(*range);
  if (const auto header = after(name, "http.headers.")) {
    return FieldRef{.field = Field::HttpHeader, .name = std::string(*header)};
  }
  if (const auto argument = after(name, "http.queries.")) {
    return FieldRef{.field = Field::HttpQuery, .name = std::string(*argument)};
  }
  return std::nullopt;
}

std::optional<std::string_view> path_segments(std::string_view path, std::size_t first, std::size_t last) {
  path = without_outer_slashes(path);
  if (path.empty()) return std::nullopt;
  std::size_t start = 0;
  std::size_t from = 0;
  for (std::size_t n = 0;; ++n) {
    if (n == first) from = start;
    const std::size_t end = segment_end(path, start);
    if (n == last) return path.substr(from, end - from);
    if (end == path.size()) return std::nullopt;
    start = end + 1;
  }
}

std::size_t count_path_segments(std::string_view path) {
  path = without_outer_slashes(path);
  if (path.empty()) return 0;
  std::size_t count = 1;
  for (const char c : path) count += c == '/' ? 1 : 0;
  return count;
}

std::optional<std::string_view> query_value(std::string_view query, std::string_view name, std::size_t nth,
                                            std::string& buffer) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view argument = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const auto equals = argument.find('=');
    if (argument.empty() || decode_argument(argument.substr(0, equals), buffer) != name) continue;
    if (nth-- > 0) continue;
    return equals == std::string_view::npos ? std::string_view("")
                                            : decode_argument(argument.substr(equals + 1), buffer);
  }
  return std::nullopt;
}

}  // namespace sluice::expr
