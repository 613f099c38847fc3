// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/persistent_map.h"
#include "base/uuid.h"
#include "sync/delta.h"
#include "sync/digest.h"

namespace sluice::dataplane {

/// An entity as a data plane holds it.
struct HeldRow {
  sync::Document received;  // as the control plane has it: what digests count, and what a later release reads again
  sync::Document served;    // as the gateway has it, mostly the same text; null: this release knows no such type
  Uuid workspace;           // nil: the default one
};

/// A whole configuration. Copies share their structure and cost next to nothing, so that a change can be tried on one,
/// and another thread can write one to disk. Not thread-safe as such.
class RowTable {
 public:
  using Rows = PersistentMap<Uuid, HeldRow>;

  void put(const std::string& type, const Uuid& id, HeldRow row);
  /// False: there was no such row.
  bool erase(std::string_view type, const Uuid& id);
  /// Valid until the next change; null when there is none.
  [[nodiscard]] const HeldRow* find(std::string_view type, const Uuid& id) const;
  [[nodiscard]] bool contains(std::string_view type, const Uuid& id) const { return find(type, id) != nullptr; }

  /// By DAO name; no empty ones.
  [[nodiscard]] const std::map<std::string, Rows, std::less<>>& types() const { return types_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Over the documents as they were received.
  [[nodiscard]] std::string digest() const { return digest_.text(); }

 private:
  std::map<std::string, Rows, std::less<>> types_;
  sync::Digest digest_;
  std::size_t size_ = 0;
};

}  // namespace sluice::dataplane
