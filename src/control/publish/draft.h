// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "control/publish/workspace_versions.h"
#include "store/memory_store.h"
#include "store/version.h"
#include "sync/delta.h"

namespace sluice::control::publish {

/// Changes in the making: written through to the store, so that what is prepared next sees them with every index, and
/// taken back before anybody else can look. Lives between two suspensions of the control shard, never across one.
class Draft {
 public:
  /// `store` outlives the draft and is at `version`; so does `workspaces`, which says how each of its workspaces came
  /// to be.
  Draft(store::MemoryStore& store, const store::Version& version, const WorkspaceVersions& workspaces)
      : store_(store), workspaces_(workspaces), base_(version), version_(version) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() { roll_back(0); }

  [[nodiscard]] const store::MemoryStore& store() const { return store_; }
  /// Of what the store shows now: one more for each change that was prepared before.
  [[nodiscard]] const store::Version& version() const { return version_; }

  /// The one that changed a workspace last, of those that made what the store shows now.
  [[nodiscard]] store::Version version_of(const Uuid& workspace) const;

  void put(sync::EntityRow row);
  /// A row that is not there is no error.
  void erase(const std::string& type, const Uuid& id);
  /// Replaces everything. Nothing is written through: such a change is prepared alone.
  void replace(sync::Delta everything) { whole_ = std::move(everything); }

  /// A place to go back to.
  [[nodiscard]] std::size_t mark() const { return journal_.size(); }
  void roll_back(std::size_t mark);
  /// The change behind `mark` is complete: what follows builds on another version.
  void finish_change() { version_ = version_.next(); }
  /// What has changed since `mark`, each row once.
  [[nodiscard]] sync::Delta delta(std::size_t mark) const;

 private:
  struct Entry {
    sync::EntityRow row;     // what is there now; no document: nothing
    sync::EntityRow before;  // what was there
    store::Version version;  // that this makes
  };
  [[nodiscard]] sync::EntityRow current(const std::string& type, const Uuid& id) const;

  store::MemoryStore& store_;
  const WorkspaceVersions& workspaces_;
  store::Version base_;
  store::Version version_;
  std::vector<Entry> journal_;
  sync::Delta whole_;
};

}  // namespace sluice::control::publish
