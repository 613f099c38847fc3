// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <vector>

#include "base/error.h"
#include "rt/task.h"
#include "store/durable.h"

namespace sluice::control::publish {

/// Where acknowledged changes are made durable. Belongs to the control shard; calls do not block it.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Makes one version of each commit, all or none; they are on stable storage when it resumes with the last version.
  virtual Task<std::expected<store::Version, store::CommitError>> commit(store::Version expected,
                                                                         std::vector<store::Commit> group) = 0;
  /// All that happened after a version; Errc::NotFound when that is no longer known.
  virtual Task<Result<store::LogPart>> read_log(store::Version after) = 0;
  /// Which rows changed after a version, without documents: at most `most` of them. Where there are more it has not
  /// reached the newest version.
  virtual Task<Result<store::LogPart>> read_touched(store::Version after, std::size_t most) = 0;
  /// Everything.
  virtual Task<Result<store::Contents>> load() = 0;
};

}  // namespace sluice::control::publish
