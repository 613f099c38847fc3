// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <string>

#include <fmt/core.h>

#include "base/json.h"
#include "commands.h"
#include "http/server.h"
#include "net/listener.h"
#include "rt/reactor.h"

namespace sluice::apps {
namespace {

/// Answers every request with what it received.
class Echo final : public http::Handler {
 public:
  Task<void> handle(http::ServerStream& stream) override {
    const http::RequestHead& head = stream.request();
    Json::Object headers;
    for (const http::Field& field : head.headers) headers[field.name] = Json(field.value);
    std::string content;
    if (http::BodyReader* body = stream.body()) {
      for (bool last = false; !last;) {
        auto chunk = co_await body->read();
        if (!chunk) co_return;
        content.append(chunk->bytes);
        last = chunk->last;
      }
    }
    std::string text = to_pretty_json(Json::Object{{"method", Json(head.method)},
                                                   {"uri", Json(head.target)},
                                                   {"host", Json(head.authority)},
                                                   {"headers", std::move(headers)},
                                                   {"body", std::move(content)}});
    text += '\n';
    co_await answer(stream, 200, text);
  }
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override {
    co_await answer(stream, status, std::string(why) + "\n");
  }

 private:
  static Task<void> answer(http::ServerStream& stream, int status, std::string text) {
    http::ResponseHead head(stream.arena());
    head.status = status;
    head.framing = {http::Framing::Kind::Length, text.size()};
    head.headers.add_view("Content-Type", "application/json");
    http::MemoryBody body(text);
    auto sent = co_await stream.respond(head, &body);
    static_cast<void>(sent);
  }
};

}  // namespace

int echo(const std::string& listen) {
  auto address = net::Address::parse(listen);
  if (!address) {
    fmt::print(stderr, "sluice: {}\n", address.error().what);
    return 1;
  }
  auto socket = net::listen_on(*address, {});
  if (!socket) {
    fmt::print(stderr, "sluice: {}\n", socket.error().what);
    return 1;
  }
  std::signal(SIGPIPE, SIG_IGN);
  rt::Reactor reactor;
  http::ServerOptions options;
  Echo handler;
  http::Server server(reactor, options, handler);
  server.listen(*socket);
  fmt::print("echo upstream on {}\n", address->to_string());
  std::fflush(stdout);
  reactor.run();
  return 0;
}

}  // namespace sluice::apps
