// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "http/accept_connection.h"
#include "http/address_counts.h"
#include "http/admission.h"
#include "http/connection.h"
#include "http/h1/server_connection.h"
#include "http/h2/server_connection.h"
#include "http/h3/server_connection.h"
#include "http/server_stream.h"
#include "net/listener.h"
#include "net/quic/endpoint.h"
#include "rt/scope.h"

namespace sluice::http {

/// Prepares a fresh connection before HTTP begins: reads a PROXY header, shakes hands. What it reads beyond that goes
/// to `early`. An error ends the connection. Of a listener whose clients are known WhenPrepared it asks `admit` as soon
/// as it knows the address; elsewhere that is null. Null: nothing to prepare. HTTP/2 is spoken when ALPN has chosen it
/// or `early` begins with its preface (h2::sniff_preface).
using Preparation =
    std::function<Task<Result<>>(net::Stream& stream, ConnectionInfo& info, std::string& early, const Admit& admit)>;

/// Counts of a shard's connections, read by metrics.
struct ConnectionCounts {
  std::uint64_t accepted = 0;
  std::uint64_t active = 0;
  std::uint64_t requests = 0;
  std::atomic<std::uint64_t> refused{0};  // over the most of one address; readable from any thread
};

/// How a shard serves HTTP/3 on a socket for datagrams.
struct QuicTerms {
  net::quic::Group& group;                     // the endpoints of that address on all shards; outlives the server
  std::size_t shard = 0;                       // this one
  std::function<net::quic::TlsTerms()> tls;    // asked for each handshake
  std::function<std::int64_t()> handshake_ms;  // likewise: how long it may take
};

/// The HTTP server of one shard: accepts on listeners, prepares connections and runs them until they end.
class Server {
 public:
  /// `options`, `handler` and `admission` outlive the server. Without `admission` every connection is taken, but for
  /// those over the most of one address.
  Server(rt::Reactor& reactor, const ServerOptions& options, Handler& handler, Admission* admission = nullptr);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// When a client's address is known, and its connections can be counted: at once, or when a PROXY header was read.
  enum class ClientKnown : bool { AtAccept, WhenPrepared };
  /// Takes ownership of a listening socket. Of its connections there are `most` at a time; 0: no limit.
  void listen(int fd, Preparation preparation = {}, ClientKnown client = ClientKnown::AtAccept, std::uint32_t most = 0);
  /// Takes ownership of a bound socket for datagrams, on which HTTP/3 is spoken.
  void listen(int fd, QuicTerms terms, std::uint32_t most = 0);
  /// Ends so many connections that are idle, or as many as a short look finds.
  std::size_t shed_idle(std::size_t most);
  /// The end is near: connections are still accepted, but each response is the last of its connection, so that clients
  /// look elsewhere.
  void retreat();
  /// Stops accepting; requests in flight are finished. Another process may go on with the same sockets.
  void drain(Idle idle = Idle::Close);
  /// Ends all connections at once, whatever is in flight. Not from within one of their tasks.
  void cut();
  /// After drain(): listen() may be called again.
  void resume() { state_ = State::Serving; }

  [[nodiscard]] std::size_t open_connections() const { return connections_.size(); }
  [[nodiscard]] const ConnectionCounts& counts() const { return counts_; }

 private:
  struct Door;
  struct QuicDoor;

  /// One client. Its task runs its life; the last thing that does is to ask for its own removal. There may be very
  /// many that do nothing, so what it takes to keep one is counted in octets (./dev bench start).
  struct Client {
    Door* door = nullptr;
    AddressCounts::Seat seat;
    Admission::Place place;
    std::unique_ptr<Connection> connection;  // null until it is prepared
    Task<void> life = Task<void>::done();
  };
  using Clients = std::list<Client>;

  struct Door {
    Preparation preparation;
    ClientKnown client = ClientKnown::AtAccept;
    std::uint32_t most = 0;
    std::uint32_t open = 0;
    // One of them:
    std::unique_ptr<net::Listener> listener;
    std::unique_ptr<QuicDoor> quic;
  };

  void adopt(int fd, const net::Address& peer, Door& door);
  net::quic::Welcome judge(const Door& door, bool validated);
  net::quic::Connection* arrive(Door& door, net::quic::Endpoint& endpoint, const net::quic::Arrival& arrival,
                                std::int64_t handshake_ms);
  Clients::iterator enter(Door& door, std::optional<AddressCounts::Seat> taken);
  /// Whether one more connection may come; another one may have to go for it.
  [[nodiscard]] bool make_room(const Door& door);
  /// Counts a connection of that address; an empty seat when it has its share of them already.
  [[nodiscard]] std::optional<AddressCounts::Seat> seat(const net::Address& peer);
  Task<void> prepare(Clients::iterator client, std::unique_ptr<net::Stream> stream, ConnectionInfo info,
                     const Door& door);
  Task<void> run(Clients::iterator client, std::unique_ptr<net::Stream> stream, ConnectionInfo info,
                 std::string_view early);
  Task<void> serve(Clients::iterator client);
  void retire(Clients::iterator client);
  void drain_new(Client& client) const;

  rt::Reactor& reactor_;
  const ServerOptions& options_;
  Handler& handler_;
  h1::ExchangePool exchanges_;
  h2::ExchangePool multiplexed_exchanges_;
  h3::ExchangePool datagram_exchanges_;
  Admission* const admission_;
  AddressCounts addresses_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::unique_ptr<rt::TaskScope> accepting_;
  Clients connections_;
  Clients::iterator hand_ = connections_.end();  // where the next look for an idle one begins
  Clients ended_;                                // freed in the next turn: a frame cannot destroy itself
  ConnectionCounts counts_;
  std::uint64_t next_id_ = 1;
  enum class State : std::uint8_t { Serving, Retreating, Draining };
  State state_ = State::Serving;
  Idle idle_ = Idle::Close;  // while draining
};

}  // namespace sluice::http
