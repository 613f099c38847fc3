// SPDX-License-Identifier: Apache-2.0
#include "gateway/stream/tcp_server.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "net/proxy_protocol.h"
#include "net/tls/handshake.h"
#include "net/tunnel.h"

namespace sluice::gateway {
namespace {

constexpr int kBadRequest = 400;
constexpr int kTooMany = 429;

/// Says why to a client that has begun to speak TLS. Its first message, still unread, would make the kernel reset the
/// connection and the reason with it. Who goes on sending is not listened to for that.
void turn_away(net::Stream& client, net::tls::Alert alert) {
  constexpr int kReads = 2;
  std::array<char, net::tls::kMaxClientHello> unread;
  for (int reads = 0; reads < kReads && client.read(unread).moved(); ++reads) {
  }
  static_cast<void>(client.write(net::tls::fatal_alert(alert)));
  client.shut_down_write();
}

}  // namespace

/// The record is written when everything else has gone.
struct TcpServer::Session {
  Session(const StreamParts& parts, Snapshot::Ref snapshot, const StreamDoor& d)
      : life(parts, std::move(snapshot), Transport::Tcp), door(d), place(parts.admission.take_place()) {}

  StreamLife life;
  const StreamDoor& door;
  const http::Admission::Place place;
  http::AddressCounts::Seat seat;
  net::Stream client;
  net::Stream upstream;
};

void TcpServer::listen(const StreamDoor& door, int socket) {
  auto& listener = *listeners_.emplace_back(std::make_unique<net::Listener>(parts_.reactor, socket));
  accepting_.spawn(listener.run([this, &door](int fd, const net::Address& peer) { adopt(fd, peer, door); }));
}

/// Nothing is left of a connection that is turned away here: no record, no line in the access log.
void TcpServer::adopt(int fd, const net::Address& peer, const StreamDoor& door) {
  http::Admission& admission = parts_.admission;
  const bool memory_short = admission.memory().level() != rt::MemoryGauge::Level::Ample;
  if (!memory_short && (!admission.is_full() || parts_.server.shed_idle(1) != 0)) {
    return sessions_.spawn(serve(fd, peer, door));
  }
  admission.note(memory_short ? http::Shed::Memory : http::Shed::Connections);
  ::close(fd);
}

void TcpServer::drain() {
  accepting_.cancel();
  for (auto& listener : listeners_) listener->close();
}

/// Counted where nothing is limited too: a limit may come by reload, and those who are here count then.
bool TcpServer::take_seat(Session& session) {
  const http::ServerOptions& limits = parts_.options.server;
  const IpAddress address = session.life.session.client.address;
  const auto is_in = [&](const Cidr& block) { return block.contains(address); };
  if (limits.max_connections != 0 && addresses_.count(address) >= limits.max_connections &&
      std::ranges::none_of(limits.uncounted, is_in)) {
    parts_.counts.refused.fetch_add(1, std::memory_order_relaxed);
    parts_.admission.note(http::Shed::Address);
    session.life.end_with(kTooMany, "too many connections of one client");
    return false;
  }
  session.seat = addresses_.take(address);
  return true;
}

Task<void> TcpServer::serve(int fd, net::Address peer, const StreamDoor& door) {
  Session session(parts_, snapshot_, door);
  session.client.attach(parts_.reactor, fd);
  session.life.set_client(peer, net::Address::local_of(fd));
  const rt::Deadline deadline = parts_.reactor.after_ms(parts_.options.tls_timeout_ms);
  if (!co_await greet(session, deadline)) co_return;
  if (!co_await session.life.police()) {
    if (door.tls) {
      const bool found = session.life.session.route != nullptr;
      turn_away(session.client, found ? net::tls::Alert::AccessDenied : net::tls::Alert::UnrecognizedName);
    }
    co_return;
  }
  if (door.tls && !session.life.session.passthrough && !co_await shake_hands(session, deadline)) co_return;
  const bool reached = co_await session.life.reach(
      [this, &session](const Choice& choice, rt::Deadline until) { return open(session, choice, until); });
  if (reached) co_await carry(session);
}

/// What comes before everything else: the PROXY header, and a TLS client's first message.
Task<bool> TcpServer::greet(Session& session, rt::Deadline deadline) {
  if (session.door.proxy_protocol) {
    const Result<net::ProxyHeader> header = co_await net::read_proxy_header(session.client, deadline);
    if (!header) {
      session.life.end_with(kBadRequest, header.error().what);
      co_return false;
    }
    if (header->source.is_set() && header->destination.is_set()) {
      session.life.set_client(header->source, header->destination);
    }
  }
  if (!take_seat(session)) co_return false;
  if (!session.door.tls) co_return true;
  co_return co_await read_name(session, deadline);
}

Task<bool> TcpServer::read_name(Session& session, rt::Deadline deadline) {
  Result<net::tls::ClientHello> hello = co_await net::tls::peek_client_hello(session.client, deadline);
  if (!hello) {
    session.life.end_with(kBadRequest, hello.error().what);
    if (hello.error().code == Errc::Invalid) turn_away(session.client, net::tls::Alert::DecodeError);
    co_return false;
  }
  StreamSession& facts = session.life.session;
  facts.sni = std::move(hello->sni);
  facts.client.tls = true;
  facts.client.sni = facts.sni;
  co_return true;
}

Task<bool> TcpServer::shake_hands(Session& session, rt::Deadline deadline) {
  const Result<> shaken =
      co_await net::tls::accept(session.client, parts_.tls.context, parts_.tls.identities, deadline);
  if (!shaken) {
    session.life.end_with(kBadRequest, shaken.error().what);
    co_return false;
  }
  StreamSession& facts = session.life.session;
  const net::TlsInfo info = session.client.layer()->info();
  facts.tls_version = info.version;
  facts.tls_cipher = info.cipher;
  facts.client.tls_version = facts.tls_version;
  facts.client.tls_cipher = facts.tls_cipher;
  facts.certificate = info.client_certificate;
  facts.client.certificate = facts.certificate.get();
  co_return true;
}

/// What goes through as it is needs no TLS of ours, whatever the service says.
Task<Result<>> TcpServer::open(Session& session, const Choice& choice, rt::Deadline deadline) {
  session.upstream.close();
  if (session.life.session.passthrough) {
    return net::connect(session.upstream, parts_.reactor, choice.endpoint->address, deadline);
  }
  // HTTP/1.1 stands for no ALPN.
  return parts_.connector.connect(session.upstream, choice, session.life.live(), UpstreamHttp::Http1, deadline);
}

Task<void> TcpServer::carry(Session& session) {
  const ServiceConfig& service = session.life.service();
  const net::TunnelPatience patience{service.read_timeout.count(), service.write_timeout.count()};
  const net::TunnelEnd end = co_await net::run_tunnel(session.client, session.upstream, patience, session.life.counts);
  // Who gets the rest of a broken stream must not take it for whole.
  if (end == net::TunnelEnd::ClientFailed) session.upstream.abort();
  if (end == net::TunnelEnd::UpstreamFailed) session.client.abort();
}

}  // namespace sluice::gateway
