// SPDX-License-Identifier: Apache-2.0
#include "net/quic/train.h"

#include <cstring>

#include "net/quic/addresses.h"

namespace sluice::net::quic {

void Train::add(std::size_t octets, const ngtcp2_path& path, std::uint32_t ecn) {
  const Address peer = address_of(path.remote);
  const Address local = address_of(path.local);
  const auto bits = static_cast<std::uint8_t>(ecn);
  if (packets_ != 0 && (octets > segment_ || bits != ecn_ || peer != peer_ || local != local_)) {
    const std::uint8_t* written = room();
    leave();
    std::memmove(buffer_.data(), written, octets);
  }
  if (packets_ == 0) {
    segment_ = octets;
    peer_ = peer;
    local_ = local;
    ecn_ = bits;
  }
  size_ += octets;
  ++packets_;
  if (octets < segment_ || packets_ == kMost) leave();  // only the last one of a train may be shorter
}

void Train::leave() {
  if (packets_ == 0) return;
  OutgoingView view{.bytes = {reinterpret_cast<const char*>(buffer_.data()), size_}, .peer = &peer_, .local = &local_};
  if (packets_ > 1) view.segment = static_cast<std::uint16_t>(segment_);
  view.ecn = ecn_;
  send_(view);
  size_ = packets_ = 0;
}

}  // namespace sluice::net::quic
