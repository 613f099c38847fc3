// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "rt/io_source.h"

namespace sluice::net {

struct UdpOptions {
  bool reuse_port = false;  // one socket per shard; the kernel keeps the datagrams of a peer together
  bool v6_only = true;
  bool tell_local = false;  // Datagram::local and ecn: asked of the kernel for each datagram
};

/// A bound, non-blocking socket for datagrams. Throws nothing; the error names the address.
Result<int> bind_udp(const Address& address, const UdpOptions& options);
/// One that sends to and hears from `peer` alone. Blames the upstream.
Result<int> connect_udp(const Address& peer);

/// What was received. Borrows from the batch that it is in.
struct DatagramView {
  Address peer;
  Address local;  // where it arrived, and an answer should come from; unset unless UdpOptions::tell_local
  std::span<const char> bytes;
  std::uint16_t segment = 0;  // not 0: several datagrams of so many octets, of which the last may be shorter (GRO)
  std::uint8_t ecn = 0;       // the two bits of RFC 3168
};

/// What is to be sent.
struct OutgoingView {
  std::span<const char> bytes;
  const Address* peer = nullptr;   // null: the socket is connected
  const Address* local = nullptr;  // null or unset: the kernel chooses
  std::uint16_t segment = 0;       // not 0: to be cut into datagrams of so many octets (GSO)
  std::uint8_t ecn = 0;
};

/// Buffers for the datagrams of one system call; made once for a thread and used for all its sockets.
class DatagramBatch {
 public:
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kOctets = 64 * 1024;  // of one: the largest datagram, or a train of them

  DatagramBatch();
  DatagramBatch(const DatagramBatch&) = delete;
  DatagramBatch& operator=(const DatagramBatch&) = delete;
  ~DatagramBatch();

  /// Of the last UdpSocket::receive(); valid until the next one.
  [[nodiscard]] std::span<const DatagramView> datagrams() const { return received_; }

 private:
  friend class UdpSocket;
  struct Slots;
  std::unique_ptr<Slots> slots_;  // memory is touched only as far as datagrams fill it
  std::vector<DatagramView> received_;
};

/// A socket for datagrams on one shard. Non-blocking attempts plus waits, as Stream has them; does not move.
class UdpSocket {
 public:
  UdpSocket() = default;
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /// Takes over a bound or connected, non-blocking socket.
  void attach(rt::Reactor& reactor, int fd);

  enum class State : std::uint8_t { Moved, Blocked, Failed };
  /// One system call. Moved: `batch` has one datagram at least. Failed: of a connected socket, its peer has refused
  /// datagrams (ICMP), whether that was told here or to send(); of others, the system lacks something.
  State receive(DatagramBatch& batch);

  struct Sent {
    State state = State::Moved;
    std::size_t count = 0;  // of those given, from the first on; the rest may be tried again
    int error = 0;          // of the first that was not sent; errno
  };
  /// Sends as many as the socket takes, in as few system calls as possible. A train that the way cannot take is sent as
  /// single datagrams.
  Sent send(std::span<const OutgoingView> datagrams);

  [[nodiscard]] rt::IoSource::Wait readable(rt::Deadline deadline) { return source_.wait_readable(deadline); }
  [[nodiscard]] rt::IoSource::Wait writable(rt::Deadline deadline) { return source_.wait_writable(deadline); }
  /// The kernel has reported an error; waits do not wait any more. A connected socket is to be closed then; who keeps
  /// an unconnected one pauses between attempts.
  [[nodiscard]] bool is_broken() const { return source_.broken(); }
  [[nodiscard]] bool is_open() const { return source_.is_open(); }
  [[nodiscard]] int fd() const { return source_.fd(); }
  [[nodiscard]] rt::Reactor& reactor() const { return source_.reactor(); }
  /// Also where another process holds the socket open. Nobody may be waiting.
  void close() noexcept;

 private:
  Sent send_some(std::span<const OutgoingView> datagrams);
  bool send_singly(const OutgoingView& train, int& error);

  rt::IoSource source_;
  std::uint16_t port_ = 0;  // the local one
  bool connected_ = false;
};

}  // namespace sluice::net
