// SPDX-License-Identifier: Apache-2.0
#include "responder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sockets.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kBodyBytes = 1 << 20;
constexpr std::size_t kScratchBytes = 256 * 1024;

}  // namespace

Responder::Responder(std::uint16_t port)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on(port)), scratch_(kScratchBytes, '\0') {
  if (epoll_ < 0) give_up("epoll_create1");
  body_.reserve(kBodyBytes);
  while (body_.size() < kBodyBytes) body_.push_back(static_cast<char>('a' + body_.size() % 26));
  watch(epoll_, EPOLL_CTL_ADD, listener_, EPOLLIN);
}

Responder::~Responder() {
  for (const auto& [fd, connection] : connections_) ::close(fd);
  ::close(listener_);
  ::close(epoll_);
}

void Responder::run() {
  std::array<epoll_event, 256> events{};
  while (true) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) give_up("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == listener_) {
        accept_all();
        continue;
      }
      const auto found = connections_.find(event.data.fd);
      if (found == connections_.end()) continue;
      if ((event.events & EPOLLOUT) != 0 && !answer_all(event.data.fd, *found->second)) {
        close_connection(event.data.fd);
        continue;
      }
      if ((event.events & ~EPOLLOUT) != 0) on_readable(event.data.fd, *found->second);
    }
  }
}

void Responder::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    connections_[fd] = std::make_unique<Connection>();
    watch(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

void Responder::on_readable(int fd, Connection& connection) {
  const ssize_t got = ::recv(fd, scratch_.data(), scratch_.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return close_connection(fd);
  connection.reader.feed(std::string_view(scratch_).substr(0, static_cast<std::size_t>(got)));
  if (!answer_all(fd, connection)) close_connection(fd);
}

bool Responder::answer_all(int fd, Connection& connection) {
  while (true) {
    if (!flush(fd, connection)) return false;
    if (connection.waits_for_room) return true;
    if (connection.closing) return false;
    const auto request = connection.reader.next();
    if (!request) return true;
    connection.heads = fmt::format(
        "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n"
        "Cache-Control: no-store\r\n{}\r\n",
        request->reply_bytes, request->keep_alive ? "" : "Connection: close\r\n");
    connection.head_sent = 0;
    connection.body_left = request->reply_bytes;
    connection.closing = !request->keep_alive;
  }
}

bool Responder::flush(int fd, Connection& connection) {
  while (connection.head_sent < connection.heads.size() || connection.body_left > 0) {
    const ssize_t sent = send_some(fd, connection);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent < 0) {
      if (!std::exchange(connection.waits_for_room, true)) watch(epoll_, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
      return true;
    }
    const auto of_head = std::min(static_cast<std::size_t>(sent), connection.heads.size() - connection.head_sent);
    connection.head_sent += of_head;
    connection.body_left -= static_cast<std::size_t>(sent) - of_head;
  }
  if (std::exchange(connection.waits_for_room, false)) watch(epoll_, EPOLL_CTL_MOD, fd, EPOLLIN);
  return true;
}

ssize_t Responder::send_some(int fd, const Connection& connection) const {
  std::array<iovec, 2> parts{};
  parts[0] = {.iov_base = const_cast<char*>(connection.heads.data()) + connection.head_sent,
              .iov_len = connection.heads.size() - connection.head_sent};
  parts[1] = {.iov_base = const_cast<char*>(body_.data()), .iov_len = std::min(connection.body_left, body_.size())};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

void Responder::close_connection(int fd) {
  connections_.erase(fd);
  ::close(fd);
}

}  // namespace sluice::bench
