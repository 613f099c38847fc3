// SPDX-License-Identifier: Apache-2.0
#include "apps/process/link.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::process {

Link::~Link() {
  close();
}

void Link::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<std::pair<Link, Link>> Link::make() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return fail(Errc::Io, std::string("socketpair: ") + std::strerror(errno), Blame::System);
  }
  return std::pair{Link(ends[0]), Link(ends[1])};
}

bool Link::send(Notice notice, int descriptor) const {
  char octet = static_cast<char>(notice);
  iovec data{&octet, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  return ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

bool Link::send_patiently(Notice notice, int descriptor) const {
  while (!send(notice, descriptor)) {
    if (errno != EAGAIN && errno != EINTR) return false;
    pollfd writable{fd_, POLLOUT, 0};
    ::poll(&writable, 1, -1);
  }
  return true;
}

std::optional<Link::Received> Link::wait() const {
  for (bool gone = false; !gone;) {
    pollfd readable{fd_, POLLIN, 0};
    ::poll(&readable, 1, -1);
    if (auto received = receive(gone)) return received;
  }
  return std::nullopt;
}

std::optional<Link::Received> Link::receive(bool& gone) const {
  char octet = 0;
  iovec data{&octet, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size <= 0) {
    gone = size == 0 || (errno != EAGAIN && errno != EINTR);
    return std::nullopt;
  }
  Received received{static_cast<Notice>(octet), -1};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&received.descriptor, CMSG_DATA(header), sizeof received.descriptor);
  }
  return received;
}

}  // namespace sluice::process
