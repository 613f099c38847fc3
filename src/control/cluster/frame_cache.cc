// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/frame_cache.h"

#include <algorithm>

namespace sluice::control::cluster {

std::optional<Frames> FrameCache::find(std::string_view what) {
  const auto found = entries_.find(what);
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = found->second;
  entry.used = ++clock_;
  if (!entry.is_large) return entry.frames;
  if (Frames alive = entry.large.lock()) return alive;
  entries_.erase(found);
  return std::nullopt;
}

void FrameCache::keep(const std::string& what, const Frames& frames) {
  Entry& entry = entries_[what];
  octets_ -= entry.octets;
  entry = {};
  entry.used = ++clock_;
  std::size_t octets = 0;
  if (frames != nullptr) {
    for (const std::string& frame : *frames) octets += frame.size();
  }
  entry.is_large = octets > limits_.octets;
  if (entry.is_large) {
    entry.large = frames;
  } else {
    entry.frames = frames;
    entry.octets = octets;
    octets_ += octets;
  }
  while (entries_.size() > limits_.entries || octets_ > limits_.octets) drop_oldest();
}

void FrameCache::clear() {
  entries_.clear();
  octets_ = 0;
}

void FrameCache::drop_oldest() {
  const auto oldest =
      std::ranges::min_element(entries_, {}, [](const auto& entry) -> std::uint64_t { return entry.second.used; });
  octets_ -= oldest->second.octets;
  entries_.erase(oldest);
}

}  // namespace sluice::control::cluster
