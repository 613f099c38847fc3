// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "control/publish/change_observer.h"

namespace sluice::control::planes {

/// Tells several observers of a control plane's changes, in the order in which they came. Belongs to the control shard.
class ChangeRelay final : public publish::ChangeObserver {
 public:
  /// `observer` stays until it is removed.
  void add(publish::ChangeObserver& observer) { observers_.push_back(&observer); }
  void remove(publish::ChangeObserver& observer) { std::erase(observers_, &observer); }

  void changing(const store::MemoryStore& before, const sync::Delta& delta, const store::Version& version) override {
    for (publish::ChangeObserver* observer : observers_) observer->changing(before, delta, version);
  }

 private:
  std::vector<publish::ChangeObserver*> observers_;
};

}  // namespace sluice::control::planes
