// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/tls/handshake.h"
#include "net/tls/self_signed.h"
#include "rt/reactor.h"
#include "rt/test_loop.h"

namespace sluice::net::tls {

/// For tests: a socket pair on one reactor, and contexts for both ends.
class TlsTest : public testing::Test {
 public:
  void SetUp() override { open_pair(); }
  void TearDown() override {
    client.close();
    server.close();
  }

  void open_pair(int buffer_size = 0) {
    client.close();
    server.close();
    std::array<int, 2> fds{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    for (int fd : fds) {
      if (buffer_size > 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    }
    server.attach(reactor, fds[0]);
    client.attach(reactor, fds[1]);
  }

  static PemPair certificate_for(const std::string& name) {
    auto made = make_self_signed({name});
    if (!made) std::abort();
    return *made;
  }
  static std::shared_ptr<const IdentitySet> identity_from(const PemPair& pem) {
    auto identity = Identity::from_pem(pem.certificate, pem.key);
    if (!identity) std::abort();
    return IdentitySet::of(*std::move(identity));
  }
  static std::shared_ptr<const IdentitySet> identity_for(const std::string& name) {
    return identity_from(certificate_for(name));
  }
  std::shared_ptr<const ServerContext> server_context(ServerSettings settings = {}) {
    if (!settings.identity) settings.identity = identity_from(pem);
    auto made = ServerContext::make(std::move(settings), keys);
    if (!made) ADD_FAILURE() << made.error().what;
    return made ? *made : nullptr;
  }
  std::shared_ptr<const ClientContext> client_context(ClientSettings settings = {.verify = false}) {
    if (settings.verify && !settings.trust) settings.trust = trust({pem.certificate});
    auto made = ClientContext::make(std::move(settings));
    if (!made) ADD_FAILURE() << made.error().what;
    return made ? *made : nullptr;
  }
  static std::shared_ptr<const TrustStore> trust(const std::vector<std::string>& texts) {
    auto made = TrustStore::from_pem(texts);
    if (!made) std::abort();
    return *made;
  }

  struct Outcome {
    Result<> server;
    Result<> client;
    [[nodiscard]] bool ok() const { return server.has_value() && client.has_value(); }
  };
  /// Both handshakes, side by side.
  Outcome shake_hands(std::shared_ptr<const ServerContext> server_side,
                      std::shared_ptr<const ClientContext> client_side, std::string host = "one.test",
                      std::shared_ptr<const IdentityResolver> resolver = nullptr) {
    const rt::Deadline deadline = reactor.after_ms(5000);
    auto accepting = accept(server, std::move(server_side), std::move(resolver), deadline);
    auto connecting = connect(client, std::move(client_side), std::move(host), deadline);
    accepting.start();
    connecting.start();
    if (!rt::turn_until(reactor, [&] { return connecting.ready(); })) std::abort();
    auto client_outcome = connecting.take();
    if (!client_outcome) client.close();  // or the server would wait for it
    if (!rt::turn_until(reactor, [&] { return accepting.ready(); })) std::abort();
    return {accepting.take(), std::move(client_outcome)};
  }
  Outcome shake_hands() { return shake_hands(server_context(), client_context()); }

  /// What arrives at `stream` until `size` octets are there or it ends.
  static Task<std::string> receive(Stream& stream, std::size_t size, rt::Deadline deadline) {
    std::string text;
    std::array<char, 4096> piece{};
    while (text.size() < size) {
      Io io = stream.read(piece);
      if (io.moved()) {
        text.append(piece.data(), io.octets);
      } else if (!io.blocked() || co_await stream.readable(deadline) == rt::Wake::TimedOut) {
        break;
      }
    }
    co_return text;
  }
  std::string transfer(Stream& from, Stream& to, std::string_view bytes) {
    auto sending = from.write_all(bytes, reactor.after_ms(5000));
    auto receiving = receive(to, bytes.size(), reactor.after_ms(5000));
    sending.start();
    receiving.start();
    if (!rt::turn_until(reactor, [&] { return sending.ready() && receiving.ready(); })) std::abort();
    if (auto sent = sending.take(); !sent) ADD_FAILURE() << sent.error().what;
    return receiving.take();
  }
  /// The next read that is not blocked.
  Io next_read(Stream& stream, std::span<char> into) {
    Io io;
    rt::turn_until(reactor, [&] {
      io = stream.read(into);
      return !io.blocked();
    });
    return io;
  }

  rt::Reactor reactor;
  PemPair pem = certificate_for("one.test");
  std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>();
  Stream client;
  Stream server;
};

}  // namespace sluice::net::tls
