// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "rt/reactor.h"

namespace sluice::net {
namespace {
constexpr std::int64_t kPauseMs = 100;
constexpr unsigned kAcceptsPerTurn = 64;  // then the clients that we have get their turn

/// Takes errno, closes `fd` if there is one.
std::unexpected<Error> cannot_listen(const Address& address, const char* call, int fd) {
  std::string why = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return fail(Errc::Unavailable, "cannot listen on " + address.to_string() + ": " + call + ": " + why, Blame::System);
}

Result<int> bind_to(const Address& address, const ListenOptions& options) {
  const int fd = ::socket(address.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(address, "socket", fd);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const int v6_only = options.v6_only ? 1 : 0;
  if (address.is_v6()) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (::bind(fd, address.data(), address.size()) != 0) return cannot_listen(address, "bind", fd);
  return fd;
}
}  // namespace

Result<int> listen_on(const Address& address, const ListenOptions& options) {
  TRY(const int fd, bind_to(address, options));
  const int on = 1;
  // Accepted sockets inherit it: one system call less per connection.
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.keep_alive) ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (::listen(fd, options.backlog) != 0) return cannot_listen(address, "listen", fd);
  return fd;
}

Result<> expect_unused(const Address& address, bool v6_only) {
  TRY(const int fd, bind_to(address, {.reuse_port = false, .v6_only = v6_only}));
  ::close(fd);
  return {};
}

Listener::Listener(rt::Reactor& reactor, int fd) {
  source_.attach(reactor, fd);
  keep_reserve();
}

Listener::~Listener() {
  close();
  if (reserve_ >= 0) ::close(reserve_);
}

void Listener::close() {
  // release() takes the socket out of epoll, which closing would not do while another process holds it open too.
  if (const int fd = source_.release(); fd >= 0) ::close(fd);
}

/// Others may take the descriptor between two calls of ours: then the next success brings it back.
void Listener::keep_reserve() {
  if (reserve_ < 0) reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/// Out of descriptors: closes one waiting client at the price of the reserve. False when there is no reserve.
bool Listener::shed_one() {
  keep_reserve();
  if (reserve_ < 0) return false;
  ::close(std::exchange(reserve_, -1));
  int fd = ::accept4(source_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) ::close(fd);
  keep_reserve();
  return fd >= 0;
}

Task<void> Listener::run(OnConnection on_connection) {
  rt::Reactor& reactor = source_.reactor();
  for (;;) {
    co_await source_.wait_readable(rt::Deadline::never());
    for (unsigned accepted = 0;;) {
      if (accepted == kAcceptsPerTurn) {
        accepted = 0;
        co_await rt::Sleep(reactor, reactor.after_ms(1));
      }
      sockaddr_storage storage;
      socklen_t size = sizeof storage;
      int fd = ::accept4(source_.fd(), reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        ++accepted;
        keep_reserve();
        on_connection(fd, Address::from(storage));
        continue;
      }
      if (errno == EAGAIN) {
        source_.clear_readable();
        break;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        static log::Counted exhausted(log::Level::Warn, "listener.out_of_descriptors");
        exhausted.hit({{"error", std::strerror(errno)}, {"pause_ms", kPauseMs}});
        while (shed_one()) {
        }
        co_await rt::Sleep(reactor, reactor.after_ms(kPauseMs));
        continue;
      }
      // ECONNABORTED and its like: that client is gone, the next may be well.
    }
  }
}

}  // namespace sluice::net
