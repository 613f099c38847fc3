// SPDX-License-Identifier: Apache-2.0
#include "net/udp_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::net {
namespace {

constexpr std::size_t kAtOnce = 32;  // datagrams of one system call
constexpr std::size_t kControl = CMSG_SPACE(sizeof(in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int));
constexpr std::uint8_t kEcnBits = 3;

struct Control {
  alignas(cmsghdr) std::array<char, kControl> bytes;
};

/// What the kernel says beside a datagram.
void read_control(const msghdr& message, std::uint16_t port, DatagramView& out) {
  auto* header = const_cast<msghdr*>(&message);
  for (cmsghdr* item = CMSG_FIRSTHDR(header); item != nullptr; item = CMSG_NXTHDR(header, item)) {
    const unsigned char* data = CMSG_DATA(item);
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, data, sizeof info);
      std::array<std::uint8_t, 4> octets;
      std::memcpy(octets.data(), &info.ipi_spec_dst, octets.size());
      out.local = Address(IpAddress::from_v4(octets), port);
    } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, data, sizeof info);
      std::array<std::uint8_t, 16> octets;
      std::memcpy(octets.data(), &info.ipi6_addr, octets.size());
      out.local = Address(IpAddress::from_v6(octets), port);
    } else if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_GRO) {
      int size = 0;
      std::memcpy(&size, data, sizeof size);
      if (static_cast<std::size_t>(size) < out.bytes.size()) out.segment = static_cast<std::uint16_t>(size);
    } else if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TOS) {
      out.ecn = *data & kEcnBits;
    } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_TCLASS) {
      int tos = 0;
      std::memcpy(&tos, data, sizeof tos);
      out.ecn = static_cast<std::uint8_t>(tos) & kEcnBits;
    }
  }
}

template <class T>
void add_control(msghdr& message, std::size_t& used, int level, int type, const T& value) {
  auto* item = reinterpret_cast<cmsghdr*>(static_cast<char*>(message.msg_control) + used);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(item), &value, sizeof value);
  used += CMSG_SPACE(sizeof value);
}

void write_control(msghdr& message, Control& control, const OutgoingView& datagram) {
  control.bytes.fill(0);
  message.msg_control = control.bytes.data();
  std::size_t used = 0;
  const bool v6 = datagram.peer != nullptr && datagram.peer->is_v6();
  if (datagram.local != nullptr && datagram.local->is_set()) {
    if (v6) {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, datagram.local->ip().mapped_octets().data(), sizeof info.ipi6_addr);
      add_control(message, used, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, datagram.local->ip().octets().data(), sizeof info.ipi_spec_dst);
      add_control(message, used, IPPROTO_IP, IP_PKTINFO, info);
    }
  }
  if (datagram.ecn != 0) {
    const int tos = datagram.ecn;
    add_control(message, used, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, tos);
  }
  if (datagram.segment != 0) add_control(message, used, SOL_UDP, UDP_SEGMENT, datagram.segment);
  message.msg_controllen = used;
  if (used == 0) message.msg_control = nullptr;
}

/// Trains halve the cost of bulk where the kernel knows them; it says so or it does not.
void ask_for_trains(int fd) {
  const int on = 1;
  static_cast<void>(::setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on));
}

}  // namespace

struct DatagramBatch::Slots {
  std::array<mmsghdr, kMost> messages;
  std::array<iovec, kMost> parts;
  std::array<sockaddr_storage, kMost> peers;
  std::array<Control, kMost> controls;
  std::array<std::array<char, kOctets>, kMost> buffers;
};

// Default-initialised: two megabytes that are not written to are not there.
DatagramBatch::DatagramBatch() : slots_(std::make_unique_for_overwrite<Slots>()) {
  received_.reserve(kMost);
}
DatagramBatch::~DatagramBatch() = default;

Result<int> bind_udp(const Address& address, const UdpOptions& options) {
  auto failed = [&](const char* call, int fd) {
    std::string why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return fail(Errc::Unavailable, "cannot listen on " + address.to_string() + " (UDP): " + call + ": " + why,
                Blame::System);
  };
  const int fd = ::socket(address.data()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("socket", fd);
  const int on = 1;
  if (options.reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const int v6_only = options.v6_only ? 1 : 0;
  if (address.is_v6()) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (options.tell_local) {
    if (address.is_v6()) {
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
    } else {
      ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
      ::setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    }
  }
  ask_for_trains(fd);
  if (::bind(fd, address.data(), address.size()) != 0) return failed("bind", fd);
  return fd;
}

Result<int> connect_udp(const Address& peer) {
  auto failed = [&peer](int fd) {
    std::string why = std::strerror(errno);
    const Blame blame = fd < 0 ? Blame::System : Blame::Upstream;
    if (fd >= 0) ::close(fd);
    return fail(Errc::Unavailable, "UDP to " + peer.to_string() + ": " + why, blame, Retry::Safe);
  };
  const int fd = ::socket(peer.data()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(fd);
  ask_for_trains(fd);
  if (::connect(fd, peer.data(), peer.size()) != 0) return failed(fd);
  return fd;
}

void UdpSocket::attach(rt::Reactor& reactor, int fd) {
  port_ = Address::local_of(fd).port();
  connected_ = Address::peer_of(fd).is_set();
  source_.attach(reactor, fd);
}

void UdpSocket::close() noexcept {
  if (!source_.is_open()) return;
  // release() takes the socket out of epoll, which closing would not do while another process holds it open too.
  if (const int fd = source_.release(); fd >= 0) ::close(fd);
}

UdpSocket::State UdpSocket::receive(DatagramBatch& batch) {
  DatagramBatch::Slots& slots = *batch.slots_;
  batch.received_.clear();
  for (std::size_t i = 0; i < DatagramBatch::kMost; ++i) {
    slots.parts[i] = {slots.buffers[i].data(), slots.buffers[i].size()};
    slots.messages[i] = {};
    msghdr& message = slots.messages[i].msg_hdr;
    message.msg_name = &slots.peers[i];
    message.msg_namelen = sizeof slots.peers[i];
    message.msg_iov = &slots.parts[i];
    message.msg_iovlen = 1;
    message.msg_control = slots.controls[i].bytes.data();
    message.msg_controllen = slots.controls[i].bytes.size();
  }
  int got = 0;
  do {
    got = ::recvmmsg(source_.fd(), slots.messages.data(), DatagramBatch::kMost, MSG_DONTWAIT, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno != EAGAIN) return State::Failed;
    source_.clear_readable();
    return connected_ && source_.broken() ? State::Failed : State::Blocked;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    DatagramView& view = batch.received_.emplace_back();
    view.peer = Address::from(slots.peers[i]);
    view.bytes = {slots.buffers[i].data(), slots.messages[i].msg_len};
    read_control(slots.messages[i].msg_hdr, port_, view);
  }
  return State::Moved;
}

UdpSocket::Sent UdpSocket::send_some(std::span<const OutgoingView> datagrams) {
  std::array<mmsghdr, kAtOnce> messages;
  std::array<iovec, kAtOnce> parts;
  std::array<Control, kAtOnce> controls;
  const std::size_t count = std::min(datagrams.size(), kAtOnce);
  for (std::size_t i = 0; i < count; ++i) {
    const OutgoingView& datagram = datagrams[i];
    parts[i] = {const_cast<char*>(datagram.bytes.data()), datagram.bytes.size()};
    messages[i] = {};
    msghdr& message = messages[i].msg_hdr;
    if (datagram.peer != nullptr) {
      message.msg_name = const_cast<sockaddr*>(datagram.peer->data());
      message.msg_namelen = datagram.peer->size();
    }
    message.msg_iov = &parts[i];
    message.msg_iovlen = 1;
    write_control(message, controls[i], datagram);
  }
  for (;;) {
    const int sent = ::sendmmsg(source_.fd(), messages.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
    if (sent >= 0) return {State::Moved, static_cast<std::size_t>(sent), 0};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {State::Failed, 0, errno};
    source_.clear_writable();
    return {State::Blocked, 0, errno};
  }
}

/// Where a train was too long for the way, or the kernel knows none.
bool UdpSocket::send_singly(const OutgoingView& train, int& error) {
  for (std::size_t at = 0; at < train.bytes.size(); at += train.segment) {
    OutgoingView single = train;
    single.segment = 0;
    single.bytes = train.bytes.subspan(at, std::min<std::size_t>(train.segment, train.bytes.size() - at));
    const Sent sent = send_some({&single, 1});
    if (sent.state != State::Moved && error == 0) error = sent.error;  // as on any way: some of them are lost
  }
  return error == 0;
}

UdpSocket::Sent UdpSocket::send(std::span<const OutgoingView> datagrams) {
  Sent all;
  while (all.count < datagrams.size()) {
    const std::span<const OutgoingView> left = datagrams.subspan(all.count);
    const Sent some = send_some(left);
    all.count += some.count;
    if (some.state == State::Moved) continue;
    const bool too_long = some.error == EINVAL || some.error == EMSGSIZE || some.error == EIO;
    if (some.state == State::Failed && too_long && left.front().segment != 0) {
      int error = 0;
      static_cast<void>(send_singly(left.front(), error));
      ++all.count;
      continue;
    }
    all.state = some.state;
    all.error = some.error;
    return all;
  }
  return all;
}

}  // namespace sluice::net
