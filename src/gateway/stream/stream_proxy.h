// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "gateway/stream/stream_parts.h"
#include "gateway/stream/tcp_server.h"
#include "gateway/stream/udp_server.h"
#include "http/connection.h"

namespace sluice::gateway {

/// The streams of one shard: everything that comes in through `stream_listen`.
class StreamProxy {
 public:
  explicit StreamProxy(const StreamParts& parts) : parts_(parts), tcp_(parts_), udp_(parts_) {}
  StreamProxy(const StreamProxy&) = delete;
  StreamProxy& operator=(const StreamProxy&) = delete;

  /// New sessions use this generation; those that run keep what they began with.
  void publish(const Snapshot::Ref& snapshot) {
    tcp_.publish(snapshot);
    udp_.publish(snapshot);
  }
  /// Takes ownership of a socket of that door, which outlives the proxy.
  void listen(const StreamDoor& door, int socket) {
    if (door.udp) {
      udp_.listen(door, socket);
    } else {
      tcp_.listen(door, socket);
    }
  }
  /// Takes no more sessions; those that run go on until they end.
  void drain(http::Idle idle) {
    tcp_.drain();
    udp_.drain(idle);
  }
  [[nodiscard]] std::size_t open_sessions() const { return tcp_.open_sessions() + udp_.open_sessions(); }

 private:
  const StreamParts parts_;
  TcpServer tcp_;
  UdpServer udp_;
};

}  // namespace sluice::gateway
