// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sluice::gateway {

/// Takes from an unordered map what `is_stale(value)` names, in the next `count` buckets from `cursor` on, and moves
/// the cursor: a large map is cleaned a piece at a time, so that nobody waits for it. A map that has grown meanwhile
/// may have some entries visited late, none for ever.
template <class Map, class IsStale>
void sweep_buckets(Map& map, std::size_t& cursor, std::size_t count, IsStale is_stale) {
  std::vector<typename Map::key_type> stale;
  const std::size_t buckets = map.bucket_count();
  for (std::size_t visited = 0; visited < std::min(count, buckets); ++visited) {
    if (cursor >= buckets) cursor = 0;
    for (auto entry = map.begin(cursor); entry != map.end(cursor); ++entry) {
      if (is_stale(entry->second)) stale.push_back(entry->first);
    }
    ++cursor;
  }
  for (const auto& key : stale) map.erase(key);
}

}  // namespace sluice::gateway
