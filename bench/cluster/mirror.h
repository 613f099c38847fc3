// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/uuid.h"
#include "sync/digest.h"
#include "sync/version.h"
#include "sync/wire/deltas.h"

namespace sluice::bench {

/// The configuration as a data plane that follows every change has it, once for all simulated nodes: they hear the same
/// octets, so one of them checking is as good as all. Belongs to the fleet's thread.
class Mirror {
 public:
  /// A part of a whole configuration, or a change. Wrong digests and changes that do not fit are counted.
  void take(const sync::wire::Push& push, sync::wire::ReadDeltas rows);

  [[nodiscard]] const sync::Version& version() const { return version_; }
  [[nodiscard]] const std::string& hash() const { return hash_; }
  [[nodiscard]] bool is_empty() const { return hash_.empty(); }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }

 private:
  using Key = std::pair<std::string, Uuid>;

  void put(sync::EntityRow row);
  void remove(const Key& key);
  void clear();

  std::map<Key, sync::EntityRow> rows_;
  sync::Digest digest_;
  sync::Version version_;
  std::string hash_;
  std::uint64_t wrong_ = 0;
};

}  // namespace sluice::bench
