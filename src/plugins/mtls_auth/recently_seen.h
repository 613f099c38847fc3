// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sluice::plugins {

/// What is known about certificates, by digest: of so many at the most. What has not been asked for for longest is
/// forgotten first.
template <class Value>
class RecentlySeen {
 public:
  static constexpr std::size_t kMost = 4096;

  /// Null: unknown. Valid until the next put() or clear().
  const Value* find(std::string_view digest) {
    const auto known = by_digest_.find(digest);
    if (known == by_digest_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, known->second);
    return &known->second->value;
  }
  /// Adds or replaces.
  void put(const std::string& digest, Value value) {
    if (const auto known = by_digest_.find(digest); known != by_digest_.end()) {
      entries_.splice(entries_.begin(), entries_, known->second);
      known->second->value = std::move(value);
      return;
    }
    if (entries_.size() >= kMost) {
      by_digest_.erase(entries_.back().digest);
      entries_.pop_back();
    }
    entries_.push_front({digest, std::move(value)});
    by_digest_.emplace(entries_.front().digest, entries_.begin());
  }
  void clear() {
    by_digest_.clear();
    entries_.clear();
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string digest;
    Value value;
  };
  std::list<Entry> entries_;  // what was asked for last stands first
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> by_digest_;  // views of the entries'
};

}  // namespace sluice::plugins
