// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"
#include "rt/reactor.h"
#include "rt/test_loop.h"

// For tests: real sockets, one end in our hands and one end a Stream of the code under test.
namespace sluice::http {

/// The far end of a connection: what a client or an upstream sends and sees.
class Peer {
 public:
  Peer(rt::Reactor& reactor, int fd) : reactor_(reactor), fd_(fd) {}
  Peer(Peer&& other) noexcept
      : reactor_(other.reactor_), fd_(std::exchange(other.fd_, -1)), heard_(std::move(other.heard_)) {}
  Peer& operator=(Peer&&) = delete;
  ~Peer() { hang_up(); }

  void say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        reactor_.run_once(1);
      } else {
        ADD_FAILURE() << "cannot send: " << errno;
        return;
      }
    }
  }
  /// Everything heard so far and not forgotten, once `enough` says so.
  template <class Enough>
  const std::string& hear_until(Enough enough) {
    rt::turn_until(reactor_, [&] {
      take();
      return enough(heard_);
    });
    return heard_;
  }
  /// All that comes until `text` does.
  const std::string& hear(std::string_view text) {
    return hear_until([&](const std::string& heard) { return heard.find(text) != std::string::npos || ended_; });
  }
  /// All that comes until the other side closes.
  const std::string& hear_end() {
    return hear_until([&](const std::string&) { return ended_; });
  }
  void forget() { heard_.clear(); }
  /// Turns the loop a few times; then nothing that could happen without us is left to do.
  void settle() {
    for (int i = 0; i < 5; ++i) {
      reactor_.run_once(1);
      take();
    }
  }
  [[nodiscard]] const std::string& heard() const { return heard_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool was_reset() const { return reset_; }
  void end() { ::shutdown(fd_, SHUT_WR); }
  void hang_up() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  void take() {
    std::array<char, 65536> piece;
    for (;;) {
      const ssize_t got = ::recv(fd_, piece.data(), piece.size(), MSG_DONTWAIT);
      if (got > 0) {
        heard_.append(piece.data(), static_cast<std::size_t>(got));
        continue;
      }
      if (got == 0) ended_ = true;
      if (got < 0 && errno != EAGAIN) ended_ = reset_ = true;
      return;
    }
  }

  rt::Reactor& reactor_;
  int fd_;
  std::string heard_;
  bool ended_ = false;
  bool reset_ = false;
};

inline std::pair<int, int> local_pair(int buffer_size = 0) {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0) std::abort();
  for (int fd : fds) {
    if (buffer_size > 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
  }
  return {fds[0], fds[1]};
}

/// Two ends of one TCP connection over loopback.
inline std::pair<int, int> tcp_pair() {
  const int door = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  auto* address = reinterpret_cast<sockaddr*>(&where);
  const int near = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(door, address, size) != 0 || ::listen(door, 1) != 0 || ::getsockname(door, address, &size) != 0 ||
      ::connect(near, address, size) != 0) {
    std::abort();
  }
  const int far = ::accept4(door, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  ::fcntl(near, F_SETFL, O_NONBLOCK);
  ::close(door);
  return {near, far};
}

/// Waits until octets, or the end, have reached `stream`.
inline void wait_for_input(rt::Reactor& reactor, const net::Stream& stream) {
  rt::turn_until(reactor, [&] { return stream.has_input(); });
}

}  // namespace sluice::http
