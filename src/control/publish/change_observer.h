// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/version.h"
#include "sync/delta.h"

namespace sluice::store {
class MemoryStore;
}

namespace sluice::control::publish {

/// Told of every change that the entities in memory are about to take, in order. Belongs to the control shard.
class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  /// `before` is how things are until this returns; `delta` leads to `version`. Must not wait or throw.
  virtual void changing(const store::MemoryStore& before, const sync::Delta& delta, const store::Version& version) = 0;
};

}  // namespace sluice::control::publish
