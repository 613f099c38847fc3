// SPDX-License-Identifier: Apache-2.0
#include "cluster/fleet.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls/handshake.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kWitnesses = 16;
constexpr std::size_t kNodesPerAddress = 4'000;
constexpr std::uint32_t kFirstAddress = 0x7f000102;  // 127.0.1.2

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

Result<int> connecting_socket(const net::Address& peer, std::size_t number) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Errc::Unavailable, std::string("socket: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // The port is chosen when the peer is known, so that ports may be used once for each address.
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(kFirstAddress + static_cast<std::uint32_t>(number / kNodesPerAddress));
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0;
  if (bound && (::connect(fd, peer.data(), peer.size()) == 0 || errno == EINPROGRESS)) return fd;
  const std::string why = std::strerror(errno);
  ::close(fd);
  return fail(Errc::Io, "connect: " + why);
}

}  // namespace

void Fleet::add(Kind kind, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    nodes_.push_back(std::make_unique<SimulatedNode>(*this, nodes_.size(), kind));
  }
}

void Fleet::connect(std::size_t at_once) {
  at_once_ = at_once;
  connect_more();
}

void Fleet::connect_more() {
  const std::size_t limit = reader_.mirror().is_empty() ? 1 : at_once_;
  while (next_ < nodes_.size() && underway_ < limit) {
    ++underway_;
    nodes_[next_++]->connect();
  }
}

void Fleet::drop() {
  for (const auto& node : nodes_) node->drop();
  next_ = 0;
  underway_ = 0;
}

void Fleet::clear() {
  drop();
  nodes_.clear();
}

void Fleet::aim(std::uint64_t number) {
  target_ = number;
  awaited_ = {};
  for (const auto& node : nodes_) {
    node->awaited = node->kind() == Kind::KongWhole || node->version().number < number;
    if (node->awaited) ++awaited_[static_cast<std::size_t>(node->kind())];
  }
  for (auto& at : gauges_.arrived_ns) at = 0;
  gauges_.aimed = number;
  note_arrivals();
}

Task<Result<>> Fleet::dial(net::Stream& stream, std::size_t number, rt::Deadline deadline) {
  CO_TRY(const int fd, connecting_socket(options_.control_plane, number));
  stream.attach(reactor_, fd);
  if (co_await stream.writable(deadline) == rt::Wake::TimedOut) co_return fail(Errc::Timeout, "connect: timed out");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) co_return fail(Errc::Io, std::string("connect: ") + std::strerror(error));
  co_return co_await net::tls::connect(stream, options_.tls, options_.server_name, deadline);
}

void Fleet::settled() {
  ++gauges_.settled;
  if (underway_ > 0) --underway_;  // one that comes again is not of those that connect_more() began
  connect_more();
}

void Fleet::lost(std::string_view reason) {
  ++gauges_.lost;
  ++reasons_[std::string(reason)];
}

std::map<std::string, std::uint64_t> Fleet::take_reasons() {
  return std::exchange(reasons_, {});
}

bool Fleet::arrived(SimulatedNode& node) {
  connect_more();  // the first node has what the others wait for
  if (!node.awaited || (node.kind() != Kind::KongWhole && node.version().number < target_)) return false;
  node.awaited = false;
  std::size_t& left = awaited_[static_cast<std::size_t>(node.kind())];
  --left;
  const bool is_witness = node.kind() != Kind::KongWhole && left < kWitnesses;
  if (!is_witness) note_arrivals();
  return is_witness;
}

void Fleet::witnessed() {
  --witnesses_;
  note_arrivals();
}

void Fleet::note_arrivals() {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const bool proven = witnesses_ == 0 || kind == static_cast<std::size_t>(Kind::KongWhole);
    if (awaited_[kind] == 0 && proven && gauges_.arrived_ns[kind] == 0) gauges_.arrived_ns[kind] = now_ns();
  }
}

}  // namespace sluice::bench
