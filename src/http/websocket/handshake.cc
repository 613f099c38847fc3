// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/handshake.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "base/arena.h"
#include "base/base64.h"
#include "base/random.h"
#include "base/strings.h"
#include "crypto/hash.h"
#include "http/field_name.h"
#include "http/h1/chunked.h"
#include "http/h1/parser.h"
#include "http/h1/scan.h"
#include "rt/reactor.h"

namespace sluice::http::websocket {
namespace {

constexpr std::string_view kVersion = "13";
constexpr std::size_t kKeyOctets = 16;
constexpr std::string_view kKeyName = "Sec-WebSocket-Key", kAcceptName = "Sec-WebSocket-Accept",
                           kProtocolName = "Sec-WebSocket-Protocol", kVersionName = "Sec-WebSocket-Version",
                           kExtensionsName = "Sec-WebSocket-Extensions";
constexpr std::size_t kMaxHead = 32 * 1024;  // of an answer
constexpr std::size_t kPiece = 2 * 1024;     // read at a time
constexpr std::size_t kShownContent = 512;   // of a refusal
constexpr std::int64_t kContentMs = 1'000;   // to wait for it

std::unexpected<Error> no_handshake(std::string_view why) {
  return fail(Errc::Invalid, std::string("not a WebSocket handshake: ").append(why), Blame::Client);
}

std::unexpected<Error> bad_answer(std::string_view why) {
  return fail(Errc::Invalid, std::string("websocket: ").append(why), Blame::Upstream);
}

bool any_lists(const Headers& headers, Known field, std::string_view token) {
  bool found = false;
  headers.each(field, [&](std::string_view list) { found = found || list_has(list, token); });
  return found;
}

std::string new_key() {
  std::array<char, kKeyOctets> octets;
  fill_random(std::as_writable_bytes(std::span(octets)));
  return base64_encode({octets.data(), octets.size()});
}

}  // namespace

std::string accept_value(std::string_view key) {
  static constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
  return base64_encode(crypto::sha1(std::string(key).append(kGuid)));
}

Result<std::string> check_request(const RequestHead& head) {
  if (head.method != "GET") return no_handshake("the method is not GET");
  if (head.version != Version::Http11) return no_handshake("not HTTP/1.1");
  if (head.framing.has_body()) return no_handshake("the request has content");
  if (!any_lists(head.headers, Known::Upgrade, "websocket")) return no_handshake("Upgrade does not name websocket");
  if (!any_lists(head.headers, Known::Connection, "upgrade")) return no_handshake("Connection does not name Upgrade");
  const std::optional<std::string_view> version = head.headers.get(kVersionName);
  if (!version || head.headers.count(kVersionName) != 1 || *version != kVersion) {
    return fail(Errc::Unsupported, "the version of WebSocket is not 13", Blame::Client);
  }
  const std::optional<std::string_view> key = head.headers.get(kKeyName);
  if (!key || head.headers.count(kKeyName) != 1) return no_handshake("not one Sec-WebSocket-Key");
  // 16 octets are 24 characters, the last two of them padding.
  const Result<std::string> octets = base64_decode(*key);
  if (!octets || octets->size() != kKeyOctets || key->size() != 24) {
    return no_handshake("Sec-WebSocket-Key is not 16 octets in base64");
  }
  return std::string(*key);
}

bool offers_protocol(const RequestHead& head, std::string_view protocol) {
  bool found = false;
  for (const Field& field : head.headers) {
    if (!same_name(field.name, kProtocolName)) continue;
    for_each_token(field.value, [&](std::string_view offered) { found = found || offered == protocol; });
  }
  return found;
}

Task<Result<Accepted>> accept(ServerStream& stream, std::string_view protocol) {
  CO_TRY(const std::string key, check_request(stream.request()));
  if (!protocol.empty() && !offers_protocol(stream.request(), protocol)) {
    co_return no_handshake("the client does not offer the protocol");
  }
  ResponseHead head(stream.arena());
  head.status = 101;
  head.headers.add_view("Upgrade", "websocket", Known::Upgrade);
  head.headers.add(kAcceptName, accept_value(key));
  if (!protocol.empty()) head.headers.add(kProtocolName, protocol);
  std::string_view early;
  CO_TRY(net::Stream * connection, co_await stream.switch_protocols(head, early));
  if (connection == nullptr) co_return fail(Errc::Unsupported, "not possible on this connection", Blame::Client);
  connection->source().listen_for_hangup(nullptr);  // what the client sent before it went is still to be read
  co_return Accepted{connection, std::string(early)};
}

// --- Client side --------------------------------------------------------------------------------------------------

namespace {

Result<std::string> request_text(const OpenRequest& request, std::string_view key) {
  std::string text;
  bool valid = !request.target.empty() && is_field_value(request.target) && !request.target.contains(' ');
  const auto field = [&](std::string_view name, std::string_view value) {
    valid = valid && is_token(name) && is_field_value(value);
    text.append(name).append(": ").append(value).append("\r\n");
  };
  text.append("GET ").append(request.target).append(" HTTP/1.1\r\n");
  field("Host", request.host);
  field("Upgrade", "websocket");
  field("Connection", "Upgrade");
  field(kKeyName, key);
  field(kVersionName, kVersion);
  if (!request.protocol.empty()) field(kProtocolName, request.protocol);
  for (const auto& [name, value] : request.headers) field(name, value);
  text.append("\r\n");
  if (!valid) return fail(Errc::Invalid, "websocket: target or field that may not be sent", Blame::Us);
  return text;
}

/// What has been read of the answer: its head and what came behind it.
struct Answer {
  explicit Answer(Arena& arena) : head(arena) {}
  ResponseHead head;
  std::string behind;
};

/// Reads once, waiting for it. False: the end.
Task<Result<bool>> read_some(net::Stream& stream, std::string& into, rt::Deadline deadline) {
  for (;;) {
    const bool late = stream.has_input() ? deadline.passed(stream.reactor().clock())
                                         : co_await stream.readable(deadline) == rt::Wake::TimedOut;
    if (late) co_return fail(Errc::Timeout, "websocket: handshake not answered in time", Blame::Upstream);
    std::array<char, kPiece> piece;
    const net::Io io = stream.read(piece);
    if (io.blocked()) continue;
    if (io.state == net::Io::State::Closed) co_return false;
    if (!io.moved()) co_return fail(Errc::Io, "websocket: connection failed in the handshake", Blame::Upstream);
    into.append(piece.data(), io.octets);
    co_return true;
  }
}

Task<Result<>> read_answer(net::Stream& stream, Arena& arena, Answer& answer, rt::Deadline deadline) {
  std::string received;
  std::size_t interim = 0;  // octets of heads before the final one
  for (;;) {
    const std::string_view fresh = std::string_view(received).substr(interim);
    if (h1::find_head_end(fresh.data(), fresh.data() + fresh.size()) == nullptr) {
      if (received.size() > kMaxHead) co_return bad_answer("answer to the handshake too large");
      CO_TRY(const bool more, co_await read_some(stream, received, deadline));
      if (!more) co_return fail(Errc::Closed, "websocket: connection closed in the handshake", Blame::Upstream);
      continue;
    }
    answer.head.headers.clear();
    const h1::ParseOutcome outcome =
        h1::parse_response(arena.copy(fresh), {.head_octets = kMaxHead + kPiece}, "GET", answer.head);
    if (!outcome.complete()) co_return bad_answer(std::string("malformed answer: ").append(outcome.why));
    interim += outcome.consumed;
    if (answer.head.status >= 200 || answer.head.status == 101) break;
  }
  answer.behind = received.substr(interim);
  co_return Result<>{};
}

/// What is shown of a refusal's content, without its framing.
struct ShownContent {
  std::string text;
  bool whole = false;  // nothing more is to come, or to be shown
};

ShownContent shown_content(const Answer& answer) {
  const Framing framing = answer.head.framing;
  ShownContent content;
  std::string_view rest = answer.behind;
  if (framing.kind == Framing::Kind::Chunked) {
    Arena arena;
    Headers trailers(arena);
    h1::ChunkedDecoder decoder(trailers);
    h1::ChunkedDecoder::Step step = decoder.next(rest);
    for (; step.kind == h1::ChunkedDecoder::Step::Kind::Data; step = decoder.next(rest)) {
      content.text.append(step.data);
      rest.remove_prefix(step.consumed);
    }
    content.whole = step.kind != h1::ChunkedDecoder::Step::Kind::NeedMore;
  } else {
    content.text = rest;
    content.whole = !framing.has_body() || (framing.kind == Framing::Kind::Length && rest.size() >= framing.length);
  }
  if (content.text.size() >= kShownContent) {
    content.text.resize(kShownContent);
    content.whole = true;
  }
  return content;
}

Errc refusal_code(int status) {
  if (status == 401 || status == 403) return Errc::Forbidden;
  if (status == 404) return Errc::NotFound;
  if (status == 429 || status >= 500) return Errc::Unavailable;
  return Errc::Refused;
}

/// The error for an answer other than 101, with as much of its content as comes soon.
Task<Error> refusal(net::Stream& stream, Answer& answer, rt::Deadline deadline) {
  const rt::Deadline soon = std::min(deadline, stream.reactor().after_ms(kContentMs));
  ShownContent content = shown_content(answer);
  while (!content.whole) {
    const Result<bool> more = co_await read_some(stream, answer.behind, soon);
    if (!more || !*more) break;
    content = shown_content(answer);
  }
  const std::string_view reason = answer.head.reason.empty() ? reason_phrase(answer.head.status) : answer.head.reason;
  Error error{.code = refusal_code(answer.head.status), .blame = Blame::Upstream, .retry = Retry::Safe, .what = {}};
  error.what.append("answered ").append(std::to_string(answer.head.status)).append(" ").append(reason);
  if (!content.text.empty()) error.what.append(": ").append(content.text);
  co_return error;
}

/// RFC 6455, 4.1: what makes a 101 one that answers our request.
Result<std::string> check_answer(const ResponseHead& head, std::string_view key, std::string_view offered) {
  if (!any_lists(head.headers, Known::Upgrade, "websocket")) return bad_answer("101 without Upgrade: websocket");
  if (!any_lists(head.headers, Known::Connection, "upgrade")) return bad_answer("101 without Connection: Upgrade");
  if (head.headers.count(kAcceptName) != 1 || head.headers.get(kAcceptName) != accept_value(key)) {
    return bad_answer("Sec-WebSocket-Accept does not answer our key");
  }
  if (head.headers.has(kExtensionsName)) return bad_answer("an extension that was not offered");
  const std::optional<std::string_view> chosen = head.headers.get(kProtocolName);
  if (!chosen) return std::string();
  bool was_offered = false;
  for_each_token(offered, [&](std::string_view protocol) { was_offered = was_offered || protocol == *chosen; });
  if (!was_offered || head.headers.count(kProtocolName) != 1) return bad_answer("a protocol that was not offered");
  return std::string(*chosen);
}

}  // namespace

Task<Result<Opened>> open(net::Stream& stream, const OpenRequest& request, rt::Deadline deadline) {
  const std::string key = new_key();
  {
    CO_TRY(const std::string text, request_text(request, key));
    CO_TRY(co_await stream.write_all(text, deadline));
  }
  Arena arena;
  Answer answer(arena);
  CO_TRY(co_await read_answer(stream, arena, answer, deadline));
  if (answer.head.status != 101) co_return std::unexpected(co_await refusal(stream, answer, deadline));
  CO_TRY(std::string protocol, check_answer(answer.head, key, request.protocol));
  co_return Opened{std::move(answer.behind), std::move(protocol)};
}

}  // namespace sluice::http::websocket
