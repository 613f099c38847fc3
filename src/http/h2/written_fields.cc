// SPDX-License-Identifier: Apache-2.0
#include "http/h2/written_fields.h"

#include <array>
#include <charconv>

#include "http/field_name.h"

namespace sluice::http::h2 {
namespace {

nghttp2_nv field(std::string_view name, std::string_view value) {
  auto octets = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));  // nghttp2 only reads
  };
  return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string_view number(Arena& arena, std::uint64_t value) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// Fields that mean an HTTP/1 connection, and content-length, which is written from the framing.
bool exists_here(const Field& candidate) {
  switch (candidate.known) {
    case Known::Connection:
    case Known::KeepAlive:
    case Known::ProxyConnection:
    case Known::TransferEncoding:
    case Known::Upgrade:
    case Known::Te:
    case Known::Http2Settings:
    case Known::ContentLength:
      return false;
    // A name that is no token would make the whole response malformed for the client.
    case Known::None:
      return is_token(candidate.name);
    default:
      return true;
  }
}

/// Outer white space is malformed here, but not in the HTTP/1 texts that plugins may set.
std::string_view trimmed(std::string_view value) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!value.empty() && blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && blank(value.back())) value.remove_suffix(1);
  return value;
}

}  // namespace

bool may_have_content(int status) {
  return status >= 200 && status != 204 && status != 304;
}

Framing response_framing(const ResponseHead& head, bool has_body, std::string_view request_method) {
  if (!may_have_content(head.status)) return {};
  if (head.framing.kind == Framing::Kind::Length) return head.framing;
  // What came without content by HTTP/2 goes on as it came: a gRPC status in the head alone.
  if (!has_body && request_method != "HEAD" && head.version < Version::Http2) return {Framing::Kind::Length, 0};
  return {};
}

std::span<nghttp2_nv> response_fields(Arena& arena, const ResponseHead& head, Framing framing) {
  auto all = arena.alloc_array<nghttp2_nv>(head.headers.size() + 2);
  std::size_t count = 0;
  all[count++] = status_field(arena, head.status);
  for (const Field& each : head.headers) {
    if (exists_here(each)) all[count++] = field(each.name, trimmed(each.value));
  }
  if (framing.kind == Framing::Kind::Length) all[count++] = field("content-length", number(arena, framing.length));
  return all.first(count);
}

std::span<nghttp2_nv> request_fields(Arena& arena, const RequestHead& head, std::string_view scheme) {
  auto all = arena.alloc_array<nghttp2_nv>(head.headers.size() + 6);
  std::size_t count = 0;
  all[count++] = field(":method", head.method);
  all[count++] = field(":scheme", scheme);
  all[count++] = field(":authority", head.authority);
  all[count++] = field(":path", head.target);
  for (const Field& each : head.headers) {
    if (each.known == Known::Te) all[count++] = field("te", "trailers");  // nothing else is allowed: RFC 9113, 8.2.2
    if (exists_here(each) && each.known != Known::Host) all[count++] = field(each.name, trimmed(each.value));
  }
  if (head.framing.kind == Framing::Kind::Length) {
    all[count++] = field("content-length", number(arena, head.framing.length));
  }
  return all.first(count);
}

std::span<nghttp2_nv> trailer_fields(Arena& arena, const Headers& trailers) {
  auto all = arena.alloc_array<nghttp2_nv>(trailers.size());
  std::size_t count = 0;
  for (const Field& each : trailers) {
    if (exists_here(each)) all[count++] = field(each.name, trimmed(each.value));
  }
  return all.first(count);
}

nghttp2_nv status_field(Arena& arena, int status) {
  return field(":status", number(arena, static_cast<std::uint64_t>(status)));
}

}  // namespace sluice::http::h2
