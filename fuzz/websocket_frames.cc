// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"
#include "http/websocket/connection.h"
#include "http/websocket/text.h"
#include "input.h"

namespace sluice {
namespace {

using http::websocket::Connection;
using http::websocket::Message;
using http::websocket::Role;

constexpr std::size_t kMaxMessage = 1000;

struct Heard {
  std::vector<Message> messages;
  Errc end = Errc::Internal;
  std::uint16_t told = 0;  // close code that the peer got for its mistake
};

Task<void> hear(Connection& connection, Heard& heard) {
  for (;;) {
    Result<Message> message = co_await connection.receive(rt::Deadline::never());
    if (!message) {
      heard.end = message.error().code;
      heard.told = connection.sent_code();
      co_return;
    }
    heard.messages.push_back(*std::move(message));
  }
}

/// What a connection makes of octets that come in pieces of `piece`.
Heard receive(rt::Reactor& reactor, Role role, std::string_view octets, std::size_t piece) {
  int fds[2];
  fuzz::expect(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0, "a pair of sockets");
  Heard heard;
  {
    net::Stream stream;
    stream.attach(reactor, fds[0]);
    Connection connection(stream, role, {.max_message = kMaxMessage}, std::string(octets.substr(0, piece)));
    octets.remove_prefix(std::min(piece, octets.size()));
    Task<void> hearing = hear(connection, heard);
    hearing.start();
    while (!octets.empty() && !hearing.ready()) {
      const ssize_t sent = ::send(fds[1], octets.data(), std::min(piece, octets.size()), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
      reactor.run_once(0);
    }
    ::shutdown(fds[1], SHUT_WR);
    while (!hearing.ready()) reactor.run_once(10);
  }
  ::close(fds[1]);
  return heard;
}

void check(const Message& message) {
  switch (message.kind) {
    case Message::Kind::Text:
      fuzz::expect(is_utf8(message.payload), "a text is UTF-8");
      [[fallthrough]];
    case Message::Kind::Binary:
      fuzz::expect(message.payload.size() <= kMaxMessage, "a message within the limit");
      break;
    case Message::Kind::Ping:
    case Message::Kind::Pong:
      fuzz::expect(message.payload.size() <= http::websocket::kMaxControlPayload, "a short control frame");
      break;
    case Message::Kind::Close:
      fuzz::expect(message.code == http::websocket::kNoCode || http::websocket::is_close_code(message.code),
                   "a close code that may be sent");
      fuzz::expect(is_utf8(message.payload), "a reason is UTF-8");
      break;
  }
}

}  // namespace
}  // namespace sluice

/// Whatever octets come, and however they are cut, a connection makes the same messages of them and ends for the same
/// reason; what it hands out keeps the rules of RFC 6455, and whoever breaks them is told with a fitting code.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static rt::Reactor reactor;
  std::string_view input = fuzz::text_of(data, size);
  const Role role = fuzz::choose(input, 2) == 0 ? Role::Server : Role::Client;
  const std::size_t piece = 1 + fuzz::choose(input, 40);
  const Heard whole = receive(reactor, role, input, input.size());
  const Heard cut = receive(reactor, role, input, piece);

  fuzz::expect(whole.messages.size() == cut.messages.size(), "as many messages however they are cut");
  fuzz::expect(whole.end == cut.end && whole.told == cut.told, "the same end");
  for (std::size_t i = 0; i < whole.messages.size(); ++i) {
    check(whole.messages[i]);
    fuzz::expect(whole.messages[i].kind == cut.messages[i].kind && whole.messages[i].code == cut.messages[i].code &&
                     whole.messages[i].payload == cut.messages[i].payload,
                 "the same message");
  }
  if (whole.end == Errc::Invalid) fuzz::expect(whole.told == 1002 || whole.told == 1007, "the peer was told");
  if (whole.end == Errc::TooLarge) fuzz::expect(whole.told == 1009, "the peer was told");
  return 0;
}
