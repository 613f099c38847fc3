// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/websocket_relay.h"

#include <algorithm>
#include <utility>

#include "rt/first_of.h"
#include "rt/reactor.h"

namespace sluice::gateway {
namespace {

using http::websocket::Connection;
using http::websocket::Message;
using http::websocket::Role;

constexpr std::uint16_t kGoingAway = 1001, kInternalError = 1011;

Task<void> sleep_until(rt::Reactor& reactor, rt::Deadline deadline) {
  co_await rt::Sleep(reactor, deadline);
}

}  // namespace

WebSocketRelay::WebSocketRelay(RelayEnd client, RelayEnd upstream, const FrameLimits& limits, RelayTimes times,
                               FrameInspector& inspector)
    : times_(times),
      inspector_(inspector),
      client_(client.stream, Role::Server, {.max_message = limits.from_client}, std::move(client.early)),
      upstream_(upstream.stream, Role::Client, {.max_message = limits.from_upstream}, std::move(upstream.early)) {}

rt::Deadline WebSocketRelay::idle_deadline() const {
  return {std::max(client_.last_received_ms(), upstream_.last_received_ms()) + times_.idle_ms};
}

rt::Deadline WebSocketRelay::soon() const {
  return reactor().after_ms(times_.close_ms);
}

/// However a direction ends, its last act is to send a close frame to whoever has to know; so the other direction ends
/// too, with the answer to that or with the closing's time.
Task<void> WebSocketRelay::run() {
  {
    Task<void> up = carry({FrameSource::Client, client_, upstream_});
    Task<void> down = carry({FrameSource::Upstream, upstream_, client_});
    co_await rt::FirstOf(up, down);
    Task<void>& rest = up.ready() ? down : up;
    Task<void> limit = sleep_until(reactor(), soon());
    co_await rt::FirstOf(rest, limit);
  }
  Task<Result<>> client_closing = client_.close(kGoingAway, {}, soon());
  Task<Result<>> upstream_closing = upstream_.close(kGoingAway, {}, soon());
  co_await rt::FirstOf(client_closing, upstream_closing);
  (void)co_await client_closing;
  (void)co_await upstream_closing;
}

Task<void> WebSocketRelay::carry(Direction direction) {
  for (;;) {
    Result<Message> message = co_await direction.from.receive(idle_deadline());
    if (message) {
      if (!co_await pass(direction, *std::move(message))) co_return;
      continue;
    }
    const bool idle = message.error().code == Errc::Timeout;
    if (idle && !idle_deadline().passed(reactor().clock())) continue;  // the other direction was not
    co_return co_await end(direction, message.error());
  }
}

/// False: the connection ends.
Task<bool> WebSocketRelay::pass(Direction direction, Message message) {
  const auto [source, from, to] = direction;
  Frame frame{source, message};
  const FrameVerdict verdict = co_await inspector_.inspect(frame);
  if (const FrameRefusal* refusal = verdict.refusal()) {
    (void)co_await from.send_close(refusal->code, refusal->reason, soon());
    (void)co_await to.send_close(refusal->peer_code, refusal->peer_reason, soon());
    co_return false;
  }
  if (message.kind == Message::Kind::Close) {
    (void)co_await to.send_close(message.code, message.payload, soon());
    co_return false;
  }
  const Result<> sent = co_await to.send(message.kind, message.payload, reactor().after_ms(times_.send_ms));
  if (sent) co_return true;
  if (to.sent_code() != 0) co_return false;  // the other direction is ending the connection
  // Its own direction will say what has become of the receiver, unless it just does not read.
  if (sent.error().code == Errc::Timeout) co_await end({source, to, from}, sent.error());
  co_return false;
}

Task<void> WebSocketRelay::end(Direction direction, const Error& error) {
  const auto [source, from, to] = direction;
  const bool vanished = error.code == Errc::Closed || error.code == Errc::Io;
  if (error.code == Errc::Timeout) (void)co_await from.send_close(kGoingAway, {}, soon());
  (void)co_await to.send_close(vanished && source == FrameSource::Upstream ? kInternalError : kGoingAway, {}, soon());
}

}  // namespace sluice::gateway
