// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <vector>

#include "base/error.h"
#include "rt/task.h"
#include "store/durable.h"

namespace sluice::control::publish {

/// Tells which rows have changed. Belongs to the control shard; calls do not block it.
class History {
 public:
  virtual ~History() = default;

  /// The newest version there is, whether it has come here or not. Errc::NotFound: nothing tells.
  virtual Task<Result<store::Version>> head() {
    return Result<store::Version>(fail(Errc::NotFound, "nothing tells the newest version"));
  }

  /// Which rows changed after a version, without documents: at most `most` of them. Where there are more it has not
  /// reached the newest version. Errc::NotFound when that is no longer known.
  virtual Task<Result<store::LogPart>> read_touched(store::Version after, std::size_t most) = 0;
};

/// Where acknowledged changes are made durable. Belongs to the control shard; calls do not block it.
class Ledger : public History {
 public:
  /// Makes one version of each commit, all or none; they are on stable storage when it resumes with the last version.
  virtual Task<std::expected<store::Version, store::CommitError>> commit(store::Version expected,
                                                                         std::vector<store::Commit> group) = 0;
  /// All that happened after a version; Errc::NotFound when that is no longer known.
  virtual Task<Result<store::LogPart>> read_log(store::Version after) = 0;
  /// Everything.
  virtual Task<Result<store::Contents>> load() = 0;
};

}  // namespace sluice::control::publish
