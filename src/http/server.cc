// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <string>
#include <utility>

#include "base/log.h"
#include "http/h2/preface.h"
#include "rt/reactor.h"

namespace sluice::http {

Server::Server(rt::Reactor& reactor, const ServerOptions& options, Handler& handler)
    : reactor_(reactor), options_(options), handler_(handler), accepting_(std::make_unique<rt::TaskScope>()) {}

Server::~Server() = default;

void Server::listen(int fd, Preparation preparation) {
  Door& door = *doors_.emplace_back(std::make_unique<Door>(reactor_, fd, std::move(preparation)));
  accepting_->spawn(door.listener.run(
      [this, &door](int socket, const net::Address& peer) { adopt(socket, peer, door.preparation); }));
}

void Server::adopt(int fd, const net::Address& peer, const Preparation& preparation) {
  ended_.clear();
  ++counts_.accepted;
  ++counts_.active;
  auto stream = std::make_unique<net::Stream>();
  stream->attach(reactor_, fd, peer);
  auto place = connections_.insert(connections_.end(), std::make_unique<Client>());
  Client& client = **place;
  client.self = place;
  client.life = live(client, std::move(stream), preparation);
  client.life.start();
}

void Server::drain() {
  draining_ = true;
  accepting_->cancel();
  for (auto& door : doors_) door->listener.close();
  for (auto& client : connections_) client->drain();
}

void Server::Client::drain() {
  if (connection) connection->drain();
  if (multiplexed) multiplexed->drain();
}

void Server::retire(Client& client) {
  --counts_.active;
  ended_.splice(ended_.end(), connections_, client.self);
}

Task<void> Server::live(Client& client, std::unique_ptr<net::Stream> stream, const Preparation& preparation) {
  ConnectionInfo info;
  info.peer = stream->peer();
  info.local = net::Address::local_of(stream->fd());
  info.id = next_id_++;
  std::string early;
  if (preparation) {
    Result<> prepared = co_await preparation(*stream, info, early);
    if (!prepared) {
      log::debug("connection.not_prepared", {{"client", info.peer.to_string()}, {"error", prepared.error()}});
      stream->close();
      retire(client);
      co_return;
    }
  }
  if (info.tls_info.alpn == "h2" || early.starts_with(h2::kPreface)) {
    client.multiplexed = std::make_unique<h2::ServerConnection>(std::move(stream), options_, handler_,
                                                                multiplexed_exchanges_, std::move(info));
    if (!early.empty()) client.multiplexed->seed(early);
    if (draining_) client.drain();
    co_await client.multiplexed->serve();
    client.multiplexed.reset();
  } else {
    client.connection =
        std::make_unique<h1::ServerConnection>(std::move(stream), options_, handler_, exchanges_, std::move(info));
    if (!early.empty()) client.connection->seed(early);
    if (draining_) client.drain();
    co_await client.connection->serve();
    client.connection.reset();
  }
  retire(client);
}

}  // namespace sluice::http
