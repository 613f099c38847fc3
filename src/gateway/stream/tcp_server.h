// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "gateway/stream/stream_life.h"
#include "http/address_counts.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/tls/client_hello.h"
#include "rt/scope.h"

namespace sluice::gateway {

/// The TCP and TLS sessions of one shard: accepts, learns what a route goes by, and carries octets both ways.
///
/// On a listener for TLS the client's first message is looked at before anything else: the name in it finds the route,
/// which says whether TLS ends here or goes through as it is. So nobody shakes hands with a client that is refused.
class TcpServer {
 public:
  explicit TcpServer(const StreamParts& parts) : parts_(parts) {}
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  /// New sessions use this generation; those that run keep what they began with.
  void publish(Snapshot::Ref snapshot) { snapshot_ = std::move(snapshot); }
  /// Takes ownership of a listening socket. `door` outlives the server.
  void listen(const StreamDoor& door, int socket);
  /// Stops accepting; sessions run on until they end.
  void drain();
  [[nodiscard]] std::size_t open_sessions() const { return sessions_.size(); }

 private:
  struct Session;

  void adopt(int fd, const net::Address& peer, const StreamDoor& door);
  [[nodiscard]] bool take_seat(Session& session);
  Task<void> serve(int fd, net::Address peer, const StreamDoor& door);
  Task<bool> greet(Session& session, rt::Deadline deadline);
  Task<bool> read_name(Session& session, rt::Deadline deadline);
  Task<bool> shake_hands(Session& session, rt::Deadline deadline);
  Task<Result<>> open(Session& session, const Choice& choice, rt::Deadline deadline);
  Task<void> carry(Session& session);

  const StreamParts& parts_;
  Snapshot::Ref snapshot_;
  http::AddressCounts addresses_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  rt::TaskScope accepting_;
  rt::TaskScope sessions_;  // last: its tasks use everything above
};

}  // namespace sluice::gateway
