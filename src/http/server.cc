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
  stream->attach(reactor_, fd);
  ConnectionInfo info;
  info.peer = peer;
  info.local = net::Address::local_of(fd);
  info.id = next_id_++;
  auto client = connections_.emplace(connections_.end());
  client->life = preparation ? prepare(client, std::move(stream), std::move(info), preparation)
                             : run(client, std::move(stream), std::move(info), {});
  client->life.start();
}

void Server::drain() {
  draining_ = true;
  accepting_->cancel();
  for (auto& door : doors_) door->listener.close();
  for (Client& client : connections_) {
    if (client.connection != nullptr) client.connection->drain();
  }
}

void Server::retire(Clients::iterator client) {
  --counts_.active;
  ended_.splice(ended_.end(), connections_, client);
}

Task<void> Server::prepare(Clients::iterator client, std::unique_ptr<net::Stream> stream, ConnectionInfo info,
                           const Preparation& preparation) {
  std::string early;
  Result<> prepared = co_await preparation(*stream, info, early);
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
  if (draining_) client->connection->drain();
  return serve(client);
}

Task<void> Server::serve(Clients::iterator client) {
  co_await client->connection->serve();
  client->connection.reset();
  retire(client);
}

}  // namespace sluice::http
