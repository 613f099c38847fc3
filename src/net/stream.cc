// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt/reactor.h"

namespace sluice::net {
namespace {

// Straight to the kernel: libc's wrappers are cancellation points, which cost on every call and nobody uses.
ssize_t receive(int fd, std::span<char> into) {
  return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), 0, nullptr, nullptr);
}

ssize_t transmit(int fd, const iovec& part) {
  return ::syscall(SYS_sendto, fd, part.iov_base, part.iov_len, MSG_NOSIGNAL, nullptr, 0);
}

std::size_t total(std::span<const iovec> parts) {
  std::size_t sum = 0;
  for (const iovec& part : parts) sum += part.iov_len;
  return sum;
}

std::unexpected<Error> stream_failure(Errc code, std::string what) {
  return fail(code, std::move(what), Blame::Upstream);
}

}  // namespace

void Stream::attach(rt::Reactor& reactor, int fd) {
  source_.attach(reactor, fd);
}

Io Stream::read(std::span<char> into) {
  return layer_ ? layer_->read(*this, into) : read_socket(into);
}

Io Stream::write(std::span<const iovec> parts) {
  return layer_ ? layer_->write(*this, parts) : write_socket(parts);
}

Io Stream::write(std::string_view bytes) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  return write({&part, 1});
}

Io Stream::read_socket(std::span<char> into) {
  if (!source_.readable()) return {Io::State::Blocked, 0};
  for (;;) {
    ssize_t got = receive(source_.fd(), into);
    if (got > 0) {
      // EPOLLRDHUP is registered, so a short read means that the socket is drained: the next edge will tell.
      if (static_cast<std::size_t>(got) < into.size()) source_.clear_readable();
      return {Io::State::Moved, static_cast<std::size_t>(got)};
    }
    if (got == 0) return {Io::State::Closed, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      source_.clear_readable();
      return {Io::State::Blocked, 0};
    }
    return {Io::State::Failed, 0};
  }
}

Io Stream::write_socket(std::span<const iovec> parts) {
  const std::size_t wanted = total(parts);
  for (;;) {
    ssize_t sent = 0;
    if (parts.size() == 1) {
      sent = transmit(source_.fd(), parts[0]);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(parts.data());
      message.msg_iovlen = parts.size();
      sent = ::sendmsg(source_.fd(), &message, MSG_NOSIGNAL);
    }
    if (sent >= 0) {
      if (static_cast<std::size_t>(sent) < wanted) source_.clear_writable();
      return {Io::State::Moved, static_cast<std::size_t>(sent)};
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      source_.clear_writable();
      return {Io::State::Blocked, 0};
    }
    return {errno == EPIPE || errno == ECONNRESET ? Io::State::Closed : Io::State::Failed, 0};
  }
}

Task<Result<>> Stream::write_all(std::string_view bytes, rt::Deadline deadline) {
  while (!bytes.empty()) {
    Io io = write(bytes);
    switch (io.state) {
      case Io::State::Moved:
        bytes.remove_prefix(io.octets);
        break;
      case Io::State::Blocked:
        break;
      case Io::State::Closed:
        co_return stream_failure(Errc::Closed, "connection closed by the peer while sending");
      case Io::State::Failed:
        co_return stream_failure(Errc::Io, std::string("send: ") + std::strerror(errno));
    }
    if (!bytes.empty() && co_await writable(deadline) == rt::Wake::TimedOut) {
      co_return stream_failure(Errc::Timeout, "timed out while sending");
    }
  }
  if (layer_) co_return co_await flush(deadline);  // a layer takes more than the socket does
  co_return Result<>{};
}

Task<Result<>> Stream::flush(rt::Deadline deadline) {
  while (layer_) {
    Io io = layer_->flush(*this);
    if (io.moved()) break;
    if (!io.blocked()) co_return stream_failure(Errc::Closed, "connection closed by the peer while sending");
    if (co_await writable(deadline) == rt::Wake::TimedOut) {
      co_return stream_failure(Errc::Timeout, "timed out while sending");
    }
  }
  co_return Result<>{};
}

void Stream::shut_down_write() noexcept {
  if (!is_open()) return;
  if (layer_) layer_->shut_down(*this);
  ::shutdown(source_.fd(), SHUT_WR);
}

void Stream::close() noexcept {
  if (!is_open()) return;
  if (layer_) layer_->shut_down(*this);
  layer_.reset();
  source_.close();
}

void Stream::abort() noexcept {
  if (!is_open()) return;
  linger hard{1, 0};
  ::setsockopt(source_.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  layer_.reset();
  source_.close();
}

Task<Result<>> connect(Stream& stream, rt::Reactor& reactor, Address peer, rt::Deadline deadline) {
  auto failed = [&peer](Errc code, int error) {
    return fail(code, "connect to " + peer.to_string() + ": " + std::strerror(error), Blame::Upstream, Retry::Safe);
  };
  int fd = ::socket(peer.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return failed(Errc::Unavailable, errno);
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int outcome = ::connect(fd, peer.data(), peer.size());
  int error = outcome == 0 ? 0 : errno;
  stream.attach(reactor, fd);
  if (error == 0) co_return Result<>{};
  if (error == EINPROGRESS) {
    if (co_await stream.writable(deadline) == rt::Wake::TimedOut) {
      stream.close();
      co_return failed(Errc::Timeout, ETIMEDOUT);
    }
    socklen_t size = sizeof error;
    ::getsockopt(stream.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) co_return Result<>{};
  }
  stream.close();
  co_return failed(error == ECONNREFUSED ? Errc::Refused : Errc::Io, error);
}

}  // namespace sluice::net
