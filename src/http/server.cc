// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <algorithm>
#include <string>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "http/h2/preface.h"
#include "rt/reactor.h"

namespace sluice::http {

/// HTTP/3 on one socket: what the endpoint asks, answered for its door.
struct Server::QuicDoor final : net::quic::Host {
  QuicDoor(Server& s, Door& d, QuicTerms t, int fd)
      : server(s), door(d), terms(std::move(t)), endpoint(s.reactor_, fd, terms.group, terms.shard, *this) {}

  net::quic::Welcome judge(const net::Address& /*peer*/, bool validated) override {
    return server.judge(door, validated);
  }
  net::quic::Connection* arrive(net::quic::Endpoint& at, const net::quic::Arrival& arrival) override {
    return server.arrive(door, at, arrival, terms.handshake_ms());
  }
  net::quic::TlsTerms tls() override { return terms.tls(); }

  Server& server;
  Door& door;
  const QuicTerms terms;
  net::quic::Endpoint endpoint;
};

Server::Server(rt::Reactor& reactor, const ServerOptions& options, Handler& handler, Admission* admission)
    : reactor_(reactor),
      options_(options),
      handler_(handler),
      admission_(admission),
      accepting_(std::make_unique<rt::TaskScope>()) {}

Server::~Server() = default;

void Server::listen(int fd, Preparation preparation, ClientKnown client, std::uint32_t most) {
  Door& door = *doors_.emplace_back(std::make_unique<Door>(
      Door{.preparation = std::move(preparation), .client = client, .most = most, .listener = {}, .quic = {}}));
  door.listener = std::make_unique<net::Listener>(reactor_, fd);
  accepting_->spawn(
      door.listener->run([this, &door](int socket, const net::Address& peer) { adopt(socket, peer, door); }));
}

void Server::listen(int fd, QuicTerms terms, std::uint32_t most) {
  Door& door = *doors_.emplace_back(std::make_unique<Door>());
  door.most = most;
  door.quic = std::make_unique<QuicDoor>(*this, door, std::move(terms), fd);
}

/// Taken where nothing is limited too: a limit may come by reload, and those who are here count then.
std::optional<AddressCounts::Seat> Server::seat(const net::Address& peer) {
  const IpAddress address = peer.ip();
  if (options_.max_connections != 0 && addresses_.count(address) >= options_.max_connections &&
      std::none_of(options_.uncounted.begin(), options_.uncounted.end(),
                   [&](const Cidr& block) { return block.contains(address); })) {
    counts_.refused.fetch_add(1, std::memory_order_relaxed);
    if (admission_ != nullptr) admission_->note(Shed::Address);
    static log::Counted refused(log::Level::Notice, "connection.too_many_of_one_address");
    if (log::enabled(log::Level::Notice))
      refused.hit({{"client", peer.to_string()}, {"limit", options_.max_connections}});
    return std::nullopt;
  }
  return addresses_.take(address);
}

/// In the order in which a node gives things up: what is idle goes first, who is not here yet last.
bool Server::make_room(const Door& door) {
  if (door.most != 0 && door.open >= door.most) {
    admission_->note(Shed::Listener);
    return false;
  }
  if (!admission_->is_full() || shed_idle(1) != 0) return true;
  admission_->note(Shed::Connections);
  return false;
}

/// The hand goes round, so that each connection is looked at once before any is looked at again.
std::size_t Server::shed_idle(std::size_t most) {
  constexpr std::size_t kLooks = 256;
  std::size_t ended = 0;
  for (std::size_t i = 0; i < std::min(kLooks, connections_.size()) && ended < most; ++i) {
    if (hand_ == connections_.end()) hand_ = connections_.begin();
    Client& client = *hand_++;
    if (client.connection == nullptr || !client.connection->is_idle()) continue;
    client.connection->drain(Idle::Close);
    if (admission_ != nullptr) admission_->note(Shed::Idle);
    ++ended;
  }
  return ended;
}

void Server::adopt(int fd, const net::Address& peer, Door& door) {
  ended_.clear();
  ++counts_.accepted;
  if (admission_ != nullptr && !make_room(door)) {
    ::close(fd);
    return;
  }
  std::optional<AddressCounts::Seat> taken;
  if (door.client == ClientKnown::AtAccept) {
    taken = seat(peer);
    if (!taken) {
      ::close(fd);
      return;
    }
  }
  auto stream = std::make_unique<net::Stream>();
  stream->attach(reactor_, fd);
  ConnectionInfo info;
  info.peer = peer;
  info.local = net::Address::local_of(fd);
  info.id = next_id_++;
  auto client = enter(door, std::move(taken));
  client->life = door.preparation ? prepare(client, std::move(stream), std::move(info), door)
                                  : run(client, std::move(stream), std::move(info), {});
  client->life.start();
}

Server::Clients::iterator Server::enter(Door& door, std::optional<AddressCounts::Seat> taken) {
  ++counts_.active;
  auto client = connections_.emplace(connections_.end());
  client->door = &door;
  ++door.open;
  if (taken) client->seat = *std::move(taken);
  if (admission_ != nullptr) client->place = admission_->take_place();
  return client;
}

/// Anybody can send a datagram in somebody else's name. So whoever would cost another one a place has to show first
/// that the address is theirs; and so has everybody where connections of an address are counted, or one could use up
/// the share of another.
net::quic::Welcome Server::judge(const Door& door, bool validated) {
  using enum net::quic::Welcome;
  if (validated) return Yes;  // arrive() looks again, and counts whom it turns away
  if (options_.max_connections != 0 || (door.most != 0 && door.open >= door.most)) return Validated;
  if (admission_ == nullptr) return Yes;
  const bool short_of_memory = admission_->memory().level() != rt::MemoryGauge::Level::Ample;
  return short_of_memory || admission_->is_full() ? Validated : Yes;
}

net::quic::Connection* Server::arrive(Door& door, net::quic::Endpoint& endpoint, const net::quic::Arrival& arrival,
                                      std::int64_t handshake_ms) {
  ended_.clear();
  ++counts_.accepted;
  if (admission_ != nullptr && !make_room(door)) return nullptr;
  std::optional<AddressCounts::Seat> taken = seat(arrival.peer);
  if (!taken) return nullptr;
  ConnectionInfo info;
  info.peer = arrival.peer;
  info.local = arrival.local;
  info.id = next_id_++;
  auto client = enter(door, std::move(taken));
  auto made = std::make_unique<h3::ServerConnection>(endpoint, arrival, handshake_ms, options_, handler_,
                                                     datagram_exchanges_, std::move(info));
  net::quic::Connection& transport = made->transport();
  client->connection = std::move(made);
  if (transport.is_over()) {
    client->connection.reset();
    retire(client);
    return nullptr;
  }
  client->life = serve(client);
  client->life.start();
  return &transport;
}

void Server::retreat() {
  if (state_ != State::Serving) return;
  state_ = State::Retreating;
  for (Client& client : connections_) {
    if (client.connection != nullptr) client.connection->drain(Idle::Keep);
  }
}

void Server::drain(Idle idle) {
  state_ = State::Draining;
  idle_ = idle;
  accepting_->cancel();
  for (auto& door : doors_) {
    if (door->listener) door->listener->close();
    if (door->quic) door->quic->endpoint.drain();
  }
  for (Client& client : connections_) {
    if (client.connection != nullptr) client.connection->drain(idle);
  }
}

void Server::cut() {
  counts_.active -= connections_.size();
  for (const Client& client : connections_) --client.door->open;
  connections_.clear();
  hand_ = connections_.end();
  ended_.clear();
}

/// One that was accepted when the end had begun already. HTTP/2 does without: its client asks before it could know.
void Server::drain_new(Client& client) const {
  if (state_ == State::Draining) client.connection->drain(idle_);
  const bool one_at_a_time = dynamic_cast<h1::ServerConnection*>(client.connection.get()) != nullptr;
  if (state_ == State::Retreating && one_at_a_time) client.connection->drain(Idle::Keep);
}

void Server::retire(Clients::iterator client) {
  client->seat = {};
  client->place.reset();
  --counts_.active;
  --client->door->open;
  if (hand_ == client) ++hand_;
  ended_.splice(ended_.end(), connections_, client);
}

Task<void> Server::prepare(Clients::iterator client, std::unique_ptr<net::Stream> stream, ConnectionInfo info,
                           const Door& door) {
  std::string early;
  Admit admit;
  if (door.client == ClientKnown::WhenPrepared) {
    admit = [this, client](const net::Address& peer) {
      auto taken = seat(peer);
      if (!taken) return false;
      client->seat = *std::move(taken);
      return true;
    };
  }
  Result<> prepared = co_await door.preparation(*stream, info, early, admit);
  if (!prepared) {
    log::debug("connection.not_prepared", {{"client", info.peer.to_string()}, {"error", prepared.error()}});
    stream->close();
    retire(client);
    co_return;
  }
  co_await run(client, std::move(stream), std::move(info), early);
}

/// Makes the connection that speaks what was agreed upon. The frame that then waits with it is that of serve() alone.
Task<void> Server::run(Clients::iterator client, std::unique_ptr<net::Stream> stream, ConnectionInfo info,
                       std::string_view early) {
  if ((info.tls_info != nullptr && info.tls_info->alpn == "h2") || early.starts_with(h2::kPreface)) {
    client->connection = std::make_unique<h2::ServerConnection>(std::move(stream), options_, handler_,
                                                                multiplexed_exchanges_, std::move(info));
  } else {
    client->connection =
        std::make_unique<h1::ServerConnection>(std::move(stream), options_, handler_, exchanges_, std::move(info));
  }
  if (!early.empty()) client->connection->seed(early);
  if (state_ != State::Serving) drain_new(*client);
  return serve(client);
}

Task<void> Server::serve(Clients::iterator client) {
  co_await client->connection->serve();
  client->connection.reset();
  retire(client);
}

}  // namespace sluice::http
