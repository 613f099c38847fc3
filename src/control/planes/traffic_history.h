// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/uuid.h"
#include "sync/traffic.h"

namespace sluice::control::planes {

/// The traffic of a control plane's nodes in the last hour, as they tell of it: an amount of memory that does not grow
/// with it. Belongs to the control shard; a restart forgets it.
class TrafficHistory {
 public:
  static constexpr std::int64_t kSpanMs = 15'000;  // of time that one slot sums up
  static constexpr std::size_t kSlots = 240;

  /// Requests that ended within a span. What nodes say at other times is shared out, so these are no whole numbers.
  struct Slot {
    std::int64_t number = -1;  // Unix time in spans
    double requests = 0;
    double client_errors = 0;
    double server_errors = 0;
    std::array<float, sync::Traffic::kClasses> times{};

    /// Milliseconds within which this part of the requests, from 0 to 1, were answered; 0 without requests. Exact to
    /// the class.
    [[nodiscard]] double quantile(double part) const;
  };

  /// A node has answered `total` since it started. `now_ms`: Unix milliseconds.
  void note(const Uuid& node, const sync::Traffic& total, std::int64_t now_ms);
  /// The spans that nodes have told all about by now, oldest first, at most `count`; null where nobody told anything.
  /// Valid until the next note().
  [[nodiscard]] std::vector<const Slot*> last(std::size_t count, std::int64_t now_ms) const;
  /// The number of the last of them.
  [[nodiscard]] static std::int64_t last_complete(std::int64_t now_ms);
  /// How many nodes have told something not long ago.
  [[nodiscard]] std::size_t reporting(std::int64_t now_ms) const;

 private:
  struct Told {
    sync::Traffic total;
    std::int64_t at_ms = 0;
  };
  void spread(const sync::Traffic& since, std::int64_t from_ms, std::int64_t to_ms);
  Slot& slot(std::int64_t number);
  void forget_silent(std::int64_t now_ms);

  std::vector<Slot> slots_;  // by number modulo kSlots; empty until somebody tells something
  std::map<Uuid, Told> told_;
  std::int64_t forget_at_ms_ = 0;  // when to look next for those that are silent
};

}  // namespace sluice::control::planes
