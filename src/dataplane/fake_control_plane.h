// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "http/accept_connection.h"
#include "http/server.h"
#include "http/websocket/connection.h"
#include "http/websocket/handshake.h"
#include "net/listener.h"
#include "net/tls/identity.h"
#include "net/tls/self_signed.h"
#include "net/tls/server_context.h"
#include "sync/wire/rpc.h"

namespace sluice::dataplane {

/// For tests: a cluster endpoint on loopback that does what a test says with each link.
class FakeControlPlane final : public http::Handler {
 public:
  using Link = http::websocket::Connection;
  /// Plays the control plane on one link; the link ends with the task.
  using Script = std::function<Task<void>(Link& link, std::string path)>;

  FakeControlPlane(rt::Reactor& reactor, const net::tls::PemPair& pair)
      : reactor_(reactor), server_(std::make_unique<http::Server>(reactor, options_, *this)) {
    net::tls::ServerSettings settings;
    settings.alpn = {"http/1.1"};
    settings.client_auth = net::tls::ClientAuth::Any;
    auto identity = net::tls::Identity::from_pem(pair.certificate, pair.key);
    if (!identity) std::abort();
    settings.identity = net::tls::IdentitySet::of(*std::move(identity));
    context_ = *net::tls::ServerContext::make(std::move(settings), std::make_shared<net::tls::TicketKeys>());
    open_door(0);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// As a process that was killed: every link ends.
  void kill() { server_.reset(); }
  void restart() {
    server_ = std::make_unique<http::Server>(reactor_, options_, *this);
    open_door(port_);
  }

  Task<void> handle(http::ServerStream& stream) override {
    const std::string path(stream.request().path);
    targets.push_back(std::string(stream.request().target));
    const bool second = path == "/v2/outlet";
    if (second && !speaks_rpc) {
      stream.close_after_response();
      http::ResponseHead head(stream.arena());
      head.status = 404;
      head.framing = {http::Framing::Kind::Length, 0};
      co_await stream.respond(head, nullptr);
      co_return;
    }
    auto accepted = co_await http::websocket::accept(stream, second ? sync::wire::kMetaProtocol : "");
    if (!accepted) co_return;
    Link link(*accepted->stream, http::websocket::Role::Server, {.max_message = 64U << 20, .answer_pings = false},
              std::move(accepted->early));
    Task<void> play = script(link, path);
    co_await play;
  }
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view /*why*/) override {
    http::ResponseHead head(stream.arena());
    head.status = status;
    head.framing = {http::Framing::Kind::Length, 0};
    co_await stream.respond(head, nullptr);
  }

  Script script;
  bool speaks_rpc = true;
  std::vector<std::string> targets;  // of all requests so far

 private:
  void open_door(std::uint16_t port) {
    auto fd = net::listen_on(net::Address(*IpAddress::parse("127.0.0.1"), port), {});
    if (!fd) std::abort();
    port_ = net::Address::local_of(*fd).port();
    server_->listen(*fd, [this](net::Stream& stream, http::ConnectionInfo& info, std::string& early,
                                const http::Admit&) {
      return http::accept_connection(stream, info, early, {.tls = true, .context = context_}, reactor_.after_ms(5'000));
    });
  }

  rt::Reactor& reactor_;
  http::ServerOptions options_;
  std::shared_ptr<const net::tls::ServerContext> context_;
  std::uint16_t port_ = 0;
  std::unique_ptr<http::Server> server_;
};

}  // namespace sluice::dataplane
