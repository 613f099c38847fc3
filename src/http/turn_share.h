// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "rt/reactor.h"

namespace sluice::http {

/// What one connection may do within one turn of its shard's loop. A peer that keeps us supplied would otherwise keep
/// us in its own coroutine for good: nobody else on the shard would be served, and no timer would fire.
class TurnShare {
 public:
  /// A step of the work is done: a request, a piece of content. True: the share of this turn is used up, by its time or
  /// by `most` steps; the others want their turn: co_await rest(reactor). Free for a connection's first step in a turn.
  [[nodiscard]] bool spend(const rt::Reactor& reactor, std::uint32_t most = UINT32_MAX) {
    if (turn_ != reactor.turns()) {
      turn_ = reactor.turns();
      steps_ = 1;
      return false;
    }
    return used_up(most);
  }
  [[nodiscard]] static rt::Sleep rest(rt::Reactor& reactor) { return {reactor, reactor.after_ms(1)}; }

 private:
  [[nodiscard]] bool used_up(std::uint32_t most);

  std::uint64_t turn_ = UINT64_MAX;
  std::int64_t began_ns_ = 0;
  std::uint32_t steps_ = 0;
};

}  // namespace sluice::http
