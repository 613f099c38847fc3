// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "gateway/frame.h"
#include "http/websocket/connection.h"
#include "net/stream.h"
#include "rt/task.h"

namespace sluice::gateway {

/// Judges what one end of a WebSocket sends the other.
class FrameInspector {
 public:
  virtual ~FrameInspector() = default;
  /// `frame` may be changed and outlives the task. Called for both directions at the same time.
  virtual Task<FrameVerdict> inspect(Frame& frame) = 0;
};

/// One side of a relay: a stream behind its handshake, and what came behind that.
struct RelayEnd {
  net::Stream& stream;
  std::string early = {};
};

struct RelayTimes {
  std::int64_t idle_ms;           // nothing received from either end, control frames included
  std::int64_t send_ms;           // for one message to leave
  std::int64_t close_ms = 3'000;  // for each part of the closing handshake
};

/// Carries messages and control frames between a client and an upstream that both speak WebSocket without extensions,
/// each looked at by an inspector, until both ends are closed:
///
/// - a close frame is passed on with its code and reason, and the peer's own goes back;
/// - an end that breaks the protocol or a limit is told so (1002, 1007, 1009), its peer gets 1001;
/// - an upstream that vanishes leaves its client with 1011, a client that vanishes its upstream with 1001;
/// - when nothing is received for too long, both get 1001.
class WebSocketRelay {
 public:
  WebSocketRelay(RelayEnd client, RelayEnd upstream, const FrameLimits& limits, RelayTimes times,
                 FrameInspector& inspector);
  WebSocketRelay(const WebSocketRelay&) = delete;
  WebSocketRelay& operator=(const WebSocketRelay&) = delete;

  /// Returns when both ends are done with; the streams are still their owners' to close.
  Task<void> run();

 private:
  struct Direction {
    FrameSource source;
    http::websocket::Connection& from;
    http::websocket::Connection& to;
  };

  Task<void> carry(Direction direction);
  Task<bool> pass(Direction direction, http::websocket::Message message);
  Task<void> end(Direction direction, const Error& error);
  [[nodiscard]] rt::Deadline idle_deadline() const;
  [[nodiscard]] rt::Deadline soon() const;
  [[nodiscard]] rt::Reactor& reactor() const { return client_.stream().reactor(); }

  RelayTimes times_;
  FrameInspector& inspector_;
  http::websocket::Connection client_;
  http::websocket::Connection upstream_;
};

}  // namespace sluice::gateway
