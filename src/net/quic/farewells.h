// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace sluice::net::quic {

/// The last words of connections that are over, for clients whose packets were already on their way, or who did not
/// hear them (the closing and draining states of RFC 9000, 10.2). Costs a hundred octets each, where a connection would
/// cost ten thousand; there are at most so many, and the oldest goes first.
class Farewells {
 public:
  static constexpr std::size_t kMost = 4096;

  /// `words`: the packet to answer with; empty: nothing is to be said.
  void add(std::vector<std::string> ids, std::string_view words, std::int64_t until_ms);

  /// One connection that is over.
  struct Farewell {
    std::vector<std::string> ids;
    std::string words;
    std::int64_t until_ms = 0;
    unsigned heard = 0;  // datagrams that came for it

    /// Whether this datagram is answered: the 1st, 2nd, 4th, 8th, ... one.
    [[nodiscard]] bool may_answer() {
      ++heard;
      return (heard & (heard - 1)) == 0;
    }
  };
  /// Null: there is none. Valid until the next add().
  [[nodiscard]] Farewell* find(std::string_view id, std::int64_t now_ms);
  [[nodiscard]] std::size_t size() const { return oldest_first_.size(); }

 private:
  void drop_old(std::int64_t now_ms);
  void drop_front();

  std::deque<std::unique_ptr<Farewell>> oldest_first_;
  std::unordered_map<std::string, Farewell*, StringHash, std::equal_to<>> by_id_;
};

}  // namespace sluice::net::quic
