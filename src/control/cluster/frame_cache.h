// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control/cluster/parcel.h"

namespace sluice::control::cluster {

/// Frames by what they are. Nodes say what they need, so there is room for so many only, and what was not asked for the
/// longest goes first. What is larger than the whole room is there for as long as somebody sends it.
class FrameCache {
 public:
  struct Limits {
    std::size_t entries = 64;
    std::size_t octets = 32 * 1024 * 1024;
  };

  FrameCache() = default;
  explicit FrameCache(const Limits& limits) : limits_(limits) {}

  /// Nothing where it is not there; null where it is known that there is nothing to send.
  [[nodiscard]] std::optional<Frames> find(std::string_view what);
  void keep(const std::string& what, const Frames& frames);
  void clear();
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Frames frames;
    std::weak_ptr<const std::vector<std::string>> large;
    bool is_large = false;
    std::size_t octets = 0;
    std::uint64_t used = 0;
  };
  void drop_oldest();

  Limits limits_{};
  std::map<std::string, Entry, std::less<>> entries_;
  std::size_t octets_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace sluice::control::cluster
