// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::gateway {

/// A member of a ring of consistent hashing.
struct RingMember {
  std::string label;  // "10.0.0.1::80": where its points lie follows from this text
  int weight = 0;
};

/// Consistent hashing: points of every member on a ring of numbered slots. The positions are those of the ecosystem's
/// other gateway, reference gateway.md, 5.1, so that nodes of either kind send a client to the same target.
class Ring {
 public:
  Ring() = default;
  /// `members` in the order in which they are entitled to slots that several want; `targets` is the number of targets
  /// that they belong to, and `slots` the size of the ring (below 1000: 1000).
  Ring(const std::vector<RingMember>& members, std::size_t targets, std::size_t slots);

  /// The slot of a value that requests are told apart by.
  [[nodiscard]] std::uint32_t slot_of(std::string_view value) const;

  /// The member whose point lies at `slot` or is the next one below it, of those that `fits(member)` admits. Makes no
  /// allocation; walks on only past members that do not fit.
  template <class Fits>
  [[nodiscard]] std::optional<std::size_t> find(std::uint32_t slot, Fits fits) const {
    const auto above = std::ranges::upper_bound(points_, slot, {}, &Point::slot);
    auto at = static_cast<std::size_t>(above - points_.begin());
    for (std::size_t walked = 0; walked < points_.size(); ++walked) {
      at = at == 0 ? points_.size() - 1 : at - 1;
      if (fits(std::size_t{points_[at].member})) return points_[at].member;
    }
    return std::nullopt;
  }

  /// For tests: how many points there are.
  [[nodiscard]] std::size_t points() const { return points_.size(); }

 private:
  struct Point {
    std::uint32_t slot;
    std::uint16_t member;
  };
  std::uint32_t slots_ = 1000;
  std::vector<Point> points_;  // by slot
};

}  // namespace sluice::gateway
