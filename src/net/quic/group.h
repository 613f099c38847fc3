// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "net/quic/connection_ids.h"
#include "net/succession.h"
#include "net/udp_socket.h"
#include "rt/shards.h"

namespace sluice::net::quic {

class Endpoint;

/// The endpoints of one listener, one per shard, and the way from each to the others. Outlives them; the shards outlive
/// it, or have stopped.
class Group {
 public:
  explicit Group(rt::Shards& shards);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] const ConnectionIds& ids() const { return ids_; }
  [[nodiscard]] std::size_t shards() const { return members_.size(); }

  // Each on the shard's own thread.
  void join(std::size_t shard, Endpoint& endpoint) { members_[shard].endpoint = &endpoint; }
  void leave(std::size_t shard) { members_[shard].endpoint = nullptr; }
  /// Before join(): how the endpoint speaks to those of other processes; outlives it. Without, it knows of none.
  void lend(std::size_t shard, Succession& succession) { members_[shard].succession = &succession; }
  [[nodiscard]] Succession* succession(std::size_t shard) const { return members_[shard].succession; }

  /// Takes a copy of a single datagram to the shard that owns its connection. False: too many are on their way there,
  /// and this one is lost.
  bool forward(std::size_t shard, const DatagramView& datagram);

 private:
  static constexpr unsigned kMostUnderWay = 1024;
  struct Member {
    Endpoint* endpoint = nullptr;  // of its own thread alone, as the next
    Succession* succession = nullptr;
    std::atomic<unsigned> under_way{0};
  };

  rt::Shards& shards_;
  ConnectionIds ids_;
  std::vector<Member> members_;
};

}  // namespace sluice::net::quic
