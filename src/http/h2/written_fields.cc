// SPDX-License-Identifier: Apache-2.0
#include "http/h2/written_fields.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/strings.h"
#include "http/field_name.h"
#include "http/h2/field_rules.h"

namespace sluice::http::h2 {
namespace {

constexpr std::uint8_t kBorrowed = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

/// `name` is in lower case.
nghttp2_nv field(std::string_view name, std::string_view value, std::uint8_t flags = kBorrowed) {
  auto octets = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));  // nghttp2 only reads
  };
  return {octets(name), octets(value), name.size(), value.size(), flags};
}

std::string_view number(Arena& arena, std::uint64_t value) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// Fields that mean an HTTP/1 connection, and content-length, which is written from the framing.
bool exists_here(Known known) {
  switch (known) {
    case Known::Connection:
    case Known::KeepAlive:
    case Known::ProxyConnection:
    case Known::TransferEncoding:
    case Known::Upgrade:
    case Known::Te:
    case Known::Http2Settings:
    case Known::ContentLength:
      return false;
    default:
      return true;
  }
}

/// In lower case. Empty for a name that is no token: it would make the whole message malformed for the peer.
std::string_view written_name(Arena& arena, const Field& from) {
  if (from.known != Known::None) return lower_spelling(from.known);
  if (is_name(from.name)) return from.name;
  if (!is_token(from.name)) return {};
  return arena.copy(to_lower(from.name));
}

/// Values that hardly ever come again. Each would push one that does out of the peer's table of 4 kB, and nghttp2 looks
/// through all values that it remembers of a name: request ids alone were a sixth of the CPU of a small gRPC call.
bool never_repeats(Known known, std::string_view name) {
  switch (known) {
    case Known::XKongRequestId:
    case Known::XKongProxyLatency:
    case Known::XKongResponseLatency:
    case Known::XKongUpstreamLatency:
      return true;
    case Known::None: {
      constexpr std::array<std::string_view, 6> kNames = {"traceparent",         "x-request-id",    "x-correlation-id",
                                                          "ratelimit-remaining", "ratelimit-reset", "grpc-timeout"};
      return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
    }
    default:
      return false;
  }
}

/// Outer white space is malformed here, but not in the HTTP/1 texts that plugins may set.
std::string_view trimmed(std::string_view value) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!value.empty() && blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && blank(value.back())) value.remove_suffix(1);
  return value;
}

/// Writes `from` to `at`, unless it does not exist here; returns where the next one goes.
nghttp2_nv* write_field(Arena& arena, const Field& from, nghttp2_nv* at) {
  if (!exists_here(from.known)) return at;
  const std::string_view name = written_name(arena, from);
  if (name.empty()) return at;
  const std::uint8_t flags = never_repeats(from.known, name) ? kBorrowed | NGHTTP2_NV_FLAG_NO_INDEX : kBorrowed;
  *at = field(name, trimmed(from.value), flags);
  return at + 1;
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
  const auto all = arena.alloc_array<nghttp2_nv>(head.headers.size() + 2);
  nghttp2_nv* at = all.data();
  *at++ = status_field(arena, head.status);
  for (const Field& each : head.headers) at = write_field(arena, each, at);
  if (framing.kind == Framing::Kind::Length) *at++ = field("content-length", number(arena, framing.length));
  return {all.data(), at};
}

std::span<nghttp2_nv> request_fields(Arena& arena, const RequestHead& head, std::string_view scheme) {
  const auto all = arena.alloc_array<nghttp2_nv>(head.headers.size() + 6);
  nghttp2_nv* at = all.data();
  *at++ = field(":method", head.method);
  *at++ = field(":scheme", scheme);
  *at++ = field(":authority", head.authority);
  *at++ = field(":path", head.target);
  for (const Field& each : head.headers) {
    if (each.known == Known::Te) *at++ = field("te", "trailers");  // nothing else is allowed: RFC 9113, 8.2.2
    if (each.known != Known::Host) at = write_field(arena, each, at);
  }
  if (head.framing.kind == Framing::Kind::Length) {
    *at++ = field("content-length", number(arena, head.framing.length));
  }
  return {all.data(), at};
}

std::span<nghttp2_nv> trailer_fields(Arena& arena, const Headers& trailers) {
  const auto all = arena.alloc_array<nghttp2_nv>(trailers.size());
  nghttp2_nv* at = all.data();
  for (const Field& each : trailers) at = write_field(arena, each, at);
  return {all.data(), at};
}

nghttp2_nv status_field(Arena& arena, int status) {
  return field(":status", number(arena, static_cast<std::uint64_t>(status)));
}

}  // namespace sluice::http::h2
