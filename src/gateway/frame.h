// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "gateway/verdict.h"
#include "http/websocket/connection.h"

namespace sluice::gateway {

/// Which end of a WebSocket sent something.
enum class FrameSource : std::uint8_t { Client, Upstream };

/// What one end of a WebSocket sends the other: a whole message, its fragments joined, or a control frame. Plugins see
/// it in Plugin::on_frame and may change it; it is valid until their task is done.
struct Frame {
  FrameSource from;
  http::websocket::Message& message;
};

/// Ends a WebSocket from the middle: what the sender of a frame is told, and what its peer.
struct FrameRefusal {
  std::uint16_t code = 1008;
  std::string reason = {};  // UTF-8, at most 123 octets
  std::uint16_t peer_code = 1001;
  std::string peer_reason = {};
};

/// What a plugin decided about a frame: pass it on, or end the connection.
class [[nodiscard]] FrameVerdict {
 public:
  FrameVerdict(Next) {}               // NOLINT(google-explicit-constructor)
  FrameVerdict(FrameRefusal refusal)  // NOLINT(google-explicit-constructor)
      : refusal_(std::make_unique<FrameRefusal>(std::move(refusal))) {}

  /// Null: pass it on.
  [[nodiscard]] const FrameRefusal* refusal() const { return refusal_.get(); }

 private:
  std::unique_ptr<FrameRefusal> refusal_;
};

/// What is read of one message before it is refused with 1009, its peer told 1001. A plugin that uses this slot of the
/// exchange in on_request has the gateway look into the WebSocket even if it has no on_frame. The presets hold where
/// frames are looked into at all. reference/plugins-auth-traffic.md, websocket-size-limit.
struct FrameLimits {
  std::size_t from_client = std::size_t{1} << 20U;     // octets
  std::size_t from_upstream = std::size_t{16} << 20U;  // octets
};

}  // namespace sluice::gateway
