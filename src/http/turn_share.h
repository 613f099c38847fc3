// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "rt/reactor.h"

namespace sluice::http {

/// What one connection may do within one turn of its shard's loop. A peer that keeps us supplied would otherwise keep
/// us in its own coroutine for good: nobody else on the shard would be served, and no timer would fire.
class TurnShare {
 public:
  /// Spends `cost` of `most`. True: the share is used up, and the others want their turn: co_await rest(reactor).
  [[nodiscard]] bool spend(const rt::Reactor& reactor, std::uint64_t cost, std::uint64_t most) {
    if (turn_ != reactor.turns()) {
      turn_ = reactor.turns();
      used_ = 0;
    }
    used_ += cost;
    return used_ >= most && std::exchange(used_, 0) != 0;
  }
  [[nodiscard]] static rt::Sleep rest(rt::Reactor& reactor) { return {reactor, reactor.after_ms(1)}; }

 private:
  std::uint64_t turn_ = 0;
  std::uint64_t used_ = 0;
};

/// Octets of content that a connection may move in a turn: some milliseconds' worth.
inline constexpr std::uint64_t kOctetsPerTurn = 8 * 1024 * 1024;

}  // namespace sluice::http
