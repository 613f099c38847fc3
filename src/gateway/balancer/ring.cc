// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/ring.h"

#include <cmath>

#include <xxhash.h>

namespace sluice::gateway {
namespace {

constexpr std::size_t kFewestSlots = 1000;
constexpr double kPointsPerTarget = 160;

}  // namespace

Ring::Ring(const std::vector<RingMember>& members, std::size_t targets, std::size_t slots)
    : slots_(static_cast<std::uint32_t>(std::max(slots, kFewestSlots))) {
  double total = 0;
  for (const RingMember& member : members) total += member.weight;
  std::vector<bool> taken(slots_, false);
  for (std::size_t index = 0; index < members.size(); ++index) {
    const RingMember& member = members[index];
    if (member.weight <= 0) continue;
    const double share = member.weight / total;  // rounded here as there: the order of operations matters
    auto wanted = static_cast<std::size_t>(std::floor(share * static_cast<double>(targets) * kPointsPerTarget));
    wanted = std::max<std::size_t>(wanted, 1);
    // A slot that is taken costs a further try; a ring too small for all gives what it has.
    for (std::size_t attempt = 1; attempt <= wanted && attempt <= slots_; ++attempt) {
      const std::uint32_t slot = slot_of(member.label + " " + std::to_string(attempt));
      if (taken[slot]) {
        ++wanted;
        continue;
      }
      taken[slot] = true;
      points_.push_back({slot, static_cast<std::uint16_t>(index)});
    }
  }
  std::ranges::sort(points_, {}, &Point::slot);
}

std::uint32_t Ring::slot_of(std::string_view value) const {
  return XXH32(value.data(), value.size(), 0) % slots_;
}

}  // namespace sluice::gateway
