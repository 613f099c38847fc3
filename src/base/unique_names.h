// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/hash.h"

namespace sluice {

/// Notices a repeated name while an object is read. Compares with each name so far while they are few, then builds a
/// hash set: most objects are small and pay for no set, a large one does not go quadratic.
class UniqueNames {
 public:
  /// False when `name` equals one of the `count` names that `nth(0) .. nth(count - 1)` return.
  template <class Nth>
  bool add(std::string_view name, std::size_t count, const Nth& nth) {
    if (count < kFew) {
      for (std::size_t i = 0; i < count; ++i) {
        if (nth(i) == name) return false;
      }
      return true;
    }
    if (!set_) {
      set_ = std::make_unique<Set>();
      for (std::size_t i = 0; i < count; ++i) set_->emplace(nth(i));
    }
    return set_->emplace(name).second;
  }

 private:
  static constexpr std::size_t kFew = 16;
  using Set = std::unordered_set<std::string, StringHash, std::equal_to<>>;
  std::unique_ptr<Set> set_;
};

}  // namespace sluice
