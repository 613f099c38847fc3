// SPDX-License-Identifier: Apache-2.0
#include "echo_server.h"

#include <array>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/websocket/frame.h"
#include "http/websocket/handshake.h"
#include "sockets.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kScratchBytes = 256 * 1024;

/// The value of a field that the proxies of a benchmark all write in this spelling.
std::string_view field(std::string_view head, std::string_view name) {
  const auto at = head.find(name);
  if (at == std::string_view::npos) return {};
  const auto value = head.substr(at + name.size());
  return value.substr(0, value.find("\r\n"));
}

}  // namespace

EchoServer::EchoServer(std::uint16_t port)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      listener_(listen_on(port)),
      datagrams_(bind_datagrams(port)),
      scratch_(kScratchBytes, '\0') {
  if (epoll_ < 0) give_up("epoll_create1");
  watch(epoll_, EPOLL_CTL_ADD, listener_, EPOLLIN);
  watch(epoll_, EPOLL_CTL_ADD, datagrams_, EPOLLIN);
}

EchoServer::~EchoServer() {
  for (const auto& [fd, connection] : connections_) ::close(fd);
  for (const int fd : {datagrams_, listener_, epoll_}) ::close(fd);
}

void EchoServer::run() {
  std::array<epoll_event, 256> events{};
  while (true) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) give_up("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener_) {
        accept_all();
      } else if (fd == datagrams_) {
        return_datagrams();
      } else if (const auto found = connections_.find(fd); found != connections_.end()) {
        if (!flush(fd, *found->second))
          close_connection(fd);
        else if (!found->second->waits_for_room)
          on_readable(fd, *found->second);
      }
    }
  }
}

void EchoServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    connections_[fd] = std::make_unique<Connection>();
    watch(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

void EchoServer::return_datagrams() {
  while (true) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        ::recvfrom(datagrams_, scratch_.data(), scratch_.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return;
    ::sendto(datagrams_, scratch_.data(), static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from), size);
  }
}

void EchoServer::on_readable(int fd, Connection& connection) {
  const ssize_t got = ::recv(fd, scratch_.data(), scratch_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || !take(connection, std::string_view(scratch_).substr(0, static_cast<std::size_t>(got))) ||
      !flush(fd, connection))
    close_connection(fd);
}

bool EchoServer::take(Connection& connection, std::string_view octets) {
  if (connection.mode == Mode::Unknown) connection.mode = octets.starts_with("GET ") ? Mode::Handshake : Mode::Octets;
  if (connection.mode == Mode::Octets) {
    connection.unsent += octets;
    return true;
  }
  connection.arrived += octets;
  if (connection.mode == Mode::Handshake && !answer_handshake(connection)) return false;
  return connection.mode != Mode::Messages || return_messages(connection);
}

bool EchoServer::answer_handshake(Connection& connection) {
  const auto end = connection.arrived.find("\r\n\r\n");
  if (end == std::string::npos) return true;
  const std::string_view head = std::string_view(connection.arrived).substr(0, end + 2);
  std::string_view key = field(head, "Sec-WebSocket-Key: ");
  if (key.empty()) key = field(head, "sec-websocket-key: ");  // HAProxy writes names in lower case
  if (key.empty()) return false;
  connection.unsent += "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  connection.unsent += "Sec-WebSocket-Accept: " + http::websocket::accept_value(key) + "\r\n\r\n";
  connection.arrived.erase(0, end + 4);
  connection.mode = Mode::Messages;
  return true;
}

bool EchoServer::return_messages(Connection& connection) {
  using namespace http::websocket;
  std::size_t used = 0;
  while (true) {
    FrameHeader header;
    const std::string_view rest = std::string_view(connection.arrived).substr(used);
    const auto outcome = parse_header(rest, Role::Server, header);
    if (outcome.malformed()) return false;
    if (!outcome.complete() || rest.size() - outcome.consumed < header.length) break;
    const bool closing = header.opcode == Opcode::Close;
    const std::string_view payload = rest.substr(outcome.consumed, header.length);
    used += outcome.consumed + header.length;
    header.masked = false;
    if (header.opcode == Opcode::Ping) header.opcode = Opcode::Pong;
    std::array<char, FrameHeader::kMaxSize> octets;
    connection.unsent.append(octets.data(), write_header(header, octets));
    const std::size_t at = connection.unsent.size();
    connection.unsent.resize(at + payload.size());
    copy_masked(payload, connection.unsent.data() + at, header.key, 0);
    if (closing) break;
  }
  connection.arrived.erase(0, used);
  return true;
}

bool EchoServer::flush(int fd, Connection& connection) {
  std::string_view left = connection.unsent;
  while (!left.empty()) {
    const ssize_t sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent < 0) {
      connection.unsent.erase(0, connection.unsent.size() - left.size());
      if (!std::exchange(connection.waits_for_room, true)) watch(epoll_, EPOLL_CTL_MOD, fd, EPOLLOUT);
      return true;
    }
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  connection.unsent.clear();
  if (std::exchange(connection.waits_for_room, false)) watch(epoll_, EPOLL_CTL_MOD, fd, EPOLLIN);
  return true;
}

void EchoServer::close_connection(int fd) {
  connections_.erase(fd);
  ::close(fd);
}

}  // namespace sluice::bench
