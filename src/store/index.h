// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/uuid.h"

namespace sluice::store {

/// Ids in order.
using Ids = std::vector<Uuid>;

/// Finds rows by a text that their documents hold: the value of one member, or of several together.
class Index {
 public:
  using Map = std::unordered_map<std::string, Ids, StringHash, std::equal_to<>>;

  /// An index over one member (its every text, for a list), or over the combination of several.
  explicit Index(std::vector<std::string> members) : members_(std::move(members)) {}

  void add(const Uuid& id, std::string_view document);
  void remove(const Uuid& id, std::string_view document);

  /// Null when no row has it. Invalidated by changes.
  [[nodiscard]] const Ids* find(std::string_view text) const;
  [[nodiscard]] const Map& entries() const { return entries_; }

  /// What `document` is found by in an index over these members.
  [[nodiscard]] static std::vector<std::string> keys(const std::vector<std::string>& members,
                                                     std::string_view document);

 private:
  std::vector<std::string> members_;
  Map entries_;
};

}  // namespace sluice::store
