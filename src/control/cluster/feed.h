// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/publish/change_observer.h"
#include "store/durable.h"
#include "store/memory_store.h"
#include "sync/digest.h"
#include "sync/wire/projection.h"

namespace sluice::control::cluster {

class View;

/// What leads from one version to a later one.
struct Step {
  store::Version from, to;
  std::vector<sync::EntityRow> upserts;
  std::vector<sync::EntityKey> removals;
};

/// A control plane's configuration as data planes follow it: the rows as they are, and how they came to be so for some
/// time back. Belongs to the control shard.
class Feed final : public publish::ChangeObserver {
 public:
  struct Options {
    sync::wire::ProductVersion kong, sluice;  // what we are
    std::size_t max_steps = 4096;             // kept, so that nodes that were away get changes instead of everything
    std::size_t max_rows = 100'000;           // of all steps together
  };

  /// `store` is the control plane's and outlives the feed; it may still be empty.
  Feed(const store::MemoryStore& store, Options options);
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed() override;

  /// To be called when the store has what it starts with, before anything changes; and after a change that nobody
  /// announced.
  void start(const store::Version& version);
  void changing(const store::MemoryStore& before, const sync::Delta& delta, const store::Version& version) override;
  /// Puts older steps in front of those known, where they fit: after a restart, from the log.
  void prepend(const store::LogPart& part, const store::Version& after);

  [[nodiscard]] const store::MemoryStore& store() const { return store_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const store::Version& version() const { return version_; }
  /// The version from which on steps are known.
  [[nodiscard]] const store::Version& horizon() const { return steps_.empty() ? version_ : steps_.front().from; }
  /// The configuration as peers of this kind get it. They share it.
  [[nodiscard]] std::shared_ptr<View> view(const sync::wire::Peer& peer);
  /// The configuration as peers that know everything get it; its digest is the one that people see.
  [[nodiscard]] View& whole();

  /// Everything that changed after `from`, each row once, the way it is now. Nothing when that is not known.
  [[nodiscard]] std::optional<Step> since(const store::Version& from) const;
  /// Calls `visit` with each row that data planes get, types in the order of the catalog.
  void each_row(const std::function<void(const sync::EntityRow&)>& visit) const;

  /// Called after each change, when the store has it; at the end of the turn or later.
  std::function<void()> on_change;

 private:
  void keep(Step step);
  [[nodiscard]] static Step to_step(const store::MemoryStore& before, const sync::Delta& delta);

  const store::MemoryStore& store_;
  const Options options_;
  store::Version version_;
  std::deque<Step> steps_;  // each leads to the next
  std::size_t rows_ = 0;
  std::map<std::string, std::weak_ptr<View>> views_;
  std::shared_ptr<View> whole_;
};

/// Whether data planes get rows of a type.
[[nodiscard]] bool is_distributed(std::string_view type);

}  // namespace sluice::control::cluster
