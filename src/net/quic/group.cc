// SPDX-License-Identifier: Apache-2.0
#include "net/quic/group.h"

#include <utility>

#include "net/quic/endpoint.h"

namespace sluice::net::quic {

Group::Group(rt::Shards& shards) : shards_(shards), members_(shards.count()) {}

bool Group::forward(std::size_t shard, const DatagramView& datagram) {
  Member& member = members_[shard];
  if (member.under_way.fetch_add(1, std::memory_order_relaxed) >= kMostUnderWay) {
    member.under_way.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  shards_.post(shard, [&member, view = datagram, octets = std::string(datagram.bytes.begin(), datagram.bytes.end())]() {
    member.under_way.fetch_sub(1, std::memory_order_relaxed);
    if (member.endpoint == nullptr) return;
    DatagramView arrived = view;
    arrived.bytes = octets;
    member.endpoint->receive_forwarded(arrived);
  });
  return true;
}

}  // namespace sluice::net::quic
