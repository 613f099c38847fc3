// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.h"
#include "dataplane/cache_files.h"
#include "dataplane/standing.h"
#include "rt/offload.h"
#include "rt/scope.h"
#include "rt/task.h"

namespace sluice::dataplane {

/// The last good configuration on disk, for the reactor that changes it: files are written on other threads. When the
/// disk takes nothing, serving goes on; that is logged once, and everything is written as soon as it can be.
class Cache {
 public:
  /// `pool` and `control` outlive it; `files` is read already, and `state` is what it held.
  Cache(std::shared_ptr<CacheFiles> files, State state, rt::BlockingPool& pool, rt::Reactor& control);
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// Keeps the change that led to `next`, before it is served. One at a time.
  Task<void> commit(std::shared_ptr<const Step> step, State next);
  /// Writes everything anew where that is due. To be called about once a second.
  void keep_house();
  /// Files are made under `key` from now on. Tried again until the disk takes it.
  void use_key(CacheKey key);
  /// Leaves the files to another process when what is being written has been; waits no longer than `deadline`.
  Task<void> leave(rt::Deadline deadline);
  /// Goes on after leave().
  void come_back();
  /// What is served would not be there after a restart.
  [[nodiscard]] bool is_behind() const { return behind_ || key_failing_; }

 private:
  void report(const Result<>& outcome);
  Task<void> fold();
  Task<void> change_key();
  Task<void> release_files();
  [[nodiscard]] std::int64_t now_ms() const { return control_.clock().mono_ms(); }

  std::shared_ptr<CacheFiles> files_;
  rt::BlockingPool& pool_;
  rt::Reactor& control_;
  State latest_;
  std::uint64_t sequence_ = 0;  // of latest_
  bool committing_ = false;
  bool folding_ = false;
  bool fold_due_ = false;
  bool behind_ = false;
  std::int64_t not_before_ms_ = 0;  // the next attempt, while behind
  bool left_ = false;
  std::optional<CacheKey> key_due_;  // that files are not made under yet
  bool changing_key_ = false;
  bool key_failing_ = false;            // and it was said
  std::int64_t key_not_before_ms_ = 0;  // the next attempt
  rt::TaskScope tasks_;
};

}  // namespace sluice::dataplane
