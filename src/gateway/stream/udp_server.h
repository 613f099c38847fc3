// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/stream/stream_life.h"
#include "http/connection.h"
#include "net/succession.h"
#include "net/udp_socket.h"
#include "rt/scope.h"

namespace sluice::gateway {

/// The UDP sessions of one shard. A session is a client's address and port at one address of a listener; it has a
/// socket of its own towards the upstream, and ends when nothing has come from either side for the service's read
/// timeout. Answers leave from the address that the client has asked.
///
/// There are at most GatewayOptions::udp_sessions. When there are as many, the session that has waited longest for a
/// first answer makes room: a flood of forged addresses then displaces itself. Where all have been answered, the
/// newcomer is dropped. The oldest unanswered one also goes when there is no descriptor for a new one.
///
/// Until its upstream is known a session keeps datagrams; how many octets is limited for each and for all of them.
/// While memory is short nothing is kept, and no session begins.
///
/// When another process takes over, sessions go on here until they end: it asks about datagrams that it knows nothing
/// of (net::Succession).
class UdpServer {
 public:
  explicit UdpServer(const StreamParts& parts);
  UdpServer(const UdpServer&) = delete;
  UdpServer& operator=(const UdpServer&) = delete;
  ~UdpServer();

  /// New sessions use this generation; those that run keep what they began with.
  void publish(Snapshot::Ref snapshot) { snapshot_ = std::move(snapshot); }
  /// Takes ownership of a bound socket. `door` outlives the server.
  void listen(const StreamDoor& door, int socket);
  /// Reads no more from clients, so that another process may. Sessions go on if that process knows of us and `idle`
  /// allows it; otherwise upstreams have a moment to send what they still have.
  void drain(http::Idle idle);
  [[nodiscard]] std::size_t open_sessions() const { return sessions_.size(); }

 private:
  struct Door;
  /// The door, and the addresses of both sides.
  struct Key {
    const Door* door;
    std::array<std::uint8_t, 16> peer, local;
    std::uint16_t port;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Session;
  using Sessions = std::unordered_map<Key, std::unique_ptr<Session>, KeyHash>;
  using Ended = std::vector<std::unique_ptr<Session>>;  // a frame cannot destroy itself
  using Datagrams = std::span<const net::DatagramView>;

  static Key key_of(const Door& door, const net::DatagramView& datagram);
  Task<void> receive(Door& door);
  void distribute(Door& door, Datagrams datagrams);
  void ask(Door& door, Datagrams datagrams);
  void welcome(Door& door, const Key& key, Datagrams datagrams);
  [[nodiscard]] bool take_inherited(const Door& door, const net::DatagramView& datagram);
  Session* begin(Door& door, const Key& key);
  [[nodiscard]] bool make_room();
  [[nodiscard]] bool free_descriptor(const Session& wanting);
  [[nodiscard]] bool is_memory_short() const;
  void forward(Session& session, Datagrams datagrams);
  void send(Session& session, std::span<const net::OutgoingView> datagrams);
  [[nodiscard]] bool keep(Session& session, const net::DatagramView& datagram);
  Task<void> run(Session& session);
  Task<Result<>> open(Session& session, const Choice& choice);
  void send_waiting(Session& session);
  void forget_waiting(Session& session);
  Task<void> carry(Session& session);
  void answer(Session& session);
  void end(Session& session);
  Task<void> end_quiet_ones();
  void drop(std::size_t count);

  const StreamParts& parts_;
  Snapshot::Ref snapshot_;
  std::unique_ptr<net::DatagramBatch> incoming_;  // of clients; made with the first door
  std::unique_ptr<net::DatagramBatch> answers_;   // of upstreams
  std::vector<std::unique_ptr<Door>> doors_;
  std::list<Session*> unanswered_;  // oldest first
  Sessions sessions_;
  std::size_t kept_ = 0;          // octets of datagrams that wait for an upstream
  std::shared_ptr<Ended> ended_;  // freed at the end of the turn, if we are still there
  bool leaving_ = false;
  rt::TaskScope draining_;
};

}  // namespace sluice::gateway
