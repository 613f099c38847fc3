// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/h2/preface.h"
#include "http/h2/server_connection.h"
#include "input.h"
#include "rt/reactor.h"

namespace {

using namespace sluice;

/// Reads what there is and answers; what it is given must be a request that HTTP/1 could carry on.
class Judge final : public http::Handler {
 public:
  Task<void> handle(http::ServerStream& stream) override {
    const http::RequestHead& head = stream.request();
    fuzz::expect(!head.method.empty() && !head.path.empty() && !head.authority.empty(), "a whole request");
    for (const http::Field& field : head.headers) {
      fuzz::expect(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, "one line");
      fuzz::expect(!field.name.starts_with(':'), "no pseudo-header field among the others");
      fuzz::expect(field.known != http::Known::TransferEncoding && field.known != http::Known::Connection,
                   "no field of the connection");
    }
    std::uint64_t octets = 0;
    while (stream.body() != nullptr) {
      auto chunk = co_await stream.body()->read();
      if (!chunk) co_return;
      octets += chunk->bytes.size();
      if (chunk->last) break;
    }
    const http::Framing& framing = head.framing;
    if (framing.kind == http::Framing::Kind::Length) fuzz::expect(octets == framing.length, "the announced length");
    http::ResponseHead answer(stream.arena());
    answer.status = 200;
    http::MemoryBody body("hello");
    co_await stream.respond(answer, &body);
  }
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view /*why*/) override {
    fuzz::expect(status >= 400 && status < 600, "a refusal");
    http::ResponseHead answer(stream.arena());
    answer.status = status;
    co_await stream.respond(answer, nullptr);
  }
};

void write_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

/// Octets behind the preface, in two pieces, the second perhaps after the server has acted on the first: whatever they
/// are, requests that reach the handler are well formed, and everything is freed when the client goes.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static rt::Reactor reactor;
  static const http::ServerOptions kOptions;
  std::string_view input = fuzz::text_of(data, size);
  const std::size_t cut = input.empty() ? 0 : fuzz::choose(input, 256) * input.size() / 256;
  int pair[2];
  fuzz::expect(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0, "a socket pair");
  Judge judge;
  http::h2::ExchangePool pool;
  auto stream = std::make_unique<net::Stream>();
  stream->attach(reactor, pair[0]);
  {
    http::h2::ServerConnection connection(std::move(stream), kOptions, judge, pool, http::ConnectionInfo{});
    Task<void> serving = connection.serve();
    serving.start();
    write_all(pair[1], std::string(http::h2::kPreface) + std::string("\0\0\0\4\0\0\0\0\0", 9));
    write_all(pair[1], input.substr(0, cut));
    for (int turn = 0; turn < 3; ++turn) reactor.run_once(0);
    write_all(pair[1], input.substr(cut));
    for (int turn = 0; turn < 6; ++turn) reactor.run_once(0);
    ::close(pair[1]);
    for (int turn = 0; turn < 3; ++turn) reactor.run_once(0);
  }
  reactor.run_once(0);
  return 0;
}
