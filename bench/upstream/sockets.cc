// SPDX-License-Identifier: Apache-2.0
#include "sockets.h"

#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace sluice::bench {
namespace {

int bind_on(std::uint16_t port, int type) {
  const int fd = ::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("bind");
  return fd;
}

}  // namespace

void give_up(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int listen_on(std::uint16_t port) {
  const int fd = bind_on(port, SOCK_STREAM);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
  if (::listen(fd, SOMAXCONN) != 0) give_up("listen");
  return fd;
}

int bind_datagrams(std::uint16_t port) {
  return bind_on(port, SOCK_DGRAM);
}

void watch(int epoll, int operation, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, operation, fd, &event) != 0) give_up("epoll_ctl");
}

}  // namespace sluice::bench
