// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include <ngtcp2/ngtcp2.h>

#include "net/address.h"
#include "net/udp_socket.h"

namespace sluice::net::quic {

/// Packets of one connection on their way to the socket: those of the same size for the same address leave in one
/// system call (GSO).
class Train {
 public:
  static constexpr std::size_t kMost = 40;  // packets; below what a kernel takes, and below 64 KiB
  using Buffer = std::array<std::uint8_t, DatagramBatch::kOctets>;
  using Send = std::function<void(const OutgoingView&)>;

  /// `buffer` is used until leave().
  Train(Buffer& buffer, Send send) : buffer_(buffer), send_(std::move(send)) {}

  /// Where the next packet is written, up to 1,500 octets.
  [[nodiscard]] std::uint8_t* room() { return buffer_.data() + size_; }
  /// That packet has been written.
  void add(std::size_t octets, const ngtcp2_path& path, std::uint32_t ecn);
  /// Sends what is there.
  void leave();

 private:
  Buffer& buffer_;
  Send send_;
  std::size_t size_ = 0;
  std::size_t packets_ = 0;
  std::size_t segment_ = 0;
  Address peer_, local_;
  std::uint8_t ecn_ = 0;
};

}  // namespace sluice::net::quic
