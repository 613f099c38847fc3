// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "http/multiplexed_pool.h"
#include "input.h"
#include "rt/reactor.h"

namespace {

using namespace sluice;

/// One request and what came of it.
struct Call {
  explicit Call(http::h2::ClientConnection& connection, std::string_view method)
      : request(arena), response(arena), content("content") {
    request.method = method;
    request.target = "/";
    request.authority = "upstream.test";
    if (method == "POST") request.framing = {http::Framing::Kind::Chunked, 0};
    exchange.emplace(connection, arena, http::h2::ClientExchange::Limits{1000, 1000, 4096});
    life = live();
    life.start();
  }
  ~Call() { life.reset(); }

  Task<void> live() {
    auto sent = co_await exchange->send(request, request.method == "POST" ? &content : nullptr);
    if (!sent) co_return;
    auto received = co_await exchange->receive(response);
    if (!received) {
      fuzz::expect(received.error().blame == Blame::Upstream, "the upstream's fault");
      co_return;
    }
    judge_head();
    std::uint64_t octets = 0;
    while (exchange->body() != nullptr) {
      auto chunk = co_await exchange->body()->read();
      if (!chunk) co_return;
      octets += chunk->bytes.size();
      if (chunk->last) break;
    }
    if (exchange->body() != nullptr && response.framing.kind == http::Framing::Kind::Length) {
      fuzz::expect(octets == response.framing.length, "the announced length");
    }
  }
  void judge_head() const {
    fuzz::expect(response.status >= 200 && response.status < 600, "a final status");
    for (const http::Field& field : response.headers) {
      fuzz::expect(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, "one line");
      fuzz::expect(!field.name.starts_with(':'), "no pseudo-header field among the others");
      fuzz::expect(field.known != http::Known::TransferEncoding && field.known != http::Known::Connection,
                   "no field of the connection");
    }
  }

  Arena arena;
  http::RequestHead request;
  http::ResponseHead response;
  http::MemoryBody content;
  std::optional<http::h2::ClientExchange> exchange;
  Task<void> life = Task<void>::done();
};

void write_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

/// Octets behind the server's SETTINGS, in two pieces, while three requests wait: one of them is given up between the
/// pieces. Whatever comes, heads that are handed on are well formed, and everything is freed when the upstream goes.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static rt::Reactor reactor;
  static const http::PoolOptions kOptions;
  std::string_view input = fuzz::text_of(data, size);
  const std::size_t cut = input.empty() ? 0 : fuzz::choose(input, 256) * input.size() / 256;
  int pair[2];
  fuzz::expect(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0, "a socket pair");
  {
    http::MultiplexedPool pool(reactor, kOptions);
    auto stream = std::make_unique<net::Stream>();
    stream->attach(reactor, pair[0]);
    http::h2::ClientConnection& connection = pool.add(std::move(stream));
    std::optional<Call> get(std::in_place, connection, "GET");
    Call post(connection, "POST");
    Call head(connection, "HEAD");
    for (int turn = 0; turn < 2; ++turn) reactor.run_once(0);
    write_all(pair[1], std::string("\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0", 18));
    write_all(pair[1], input.substr(0, cut));
    for (int turn = 0; turn < 3; ++turn) reactor.run_once(0);
    get.reset();
    write_all(pair[1], input.substr(cut));
    for (int turn = 0; turn < 6; ++turn) reactor.run_once(0);
    ::close(pair[1]);
    for (int turn = 0; turn < 3; ++turn) reactor.run_once(0);
    fuzz::expect(post.life.ready() && head.life.ready(), "no request waits for an upstream that has gone");
  }
  reactor.run_once(0);
  return 0;
}
