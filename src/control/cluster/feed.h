// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/publish/change_observer.h"
#include "rt/offload.h"
#include "rt/reactor.h"
#include "rt/scope.h"
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
    sync::wire::ProductVersion kong, sluice;   // what we are
    std::size_t max_rows = 100'000;            // whose changes are remembered, for nodes that were away
    std::size_t max_views = 64;                // kinds of data planes that are served at a time
    std::size_t max_change = 8 * 1024 * 1024;  // octets of a change that goes out as such; more: everything, in parts
    rt::Reactor* reactor = nullptr;            // of the control shard; null: whatever is made is made at once
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
  /// Remembers what happened after a version and before what is known: after a restart, from the log. As much of it
  /// as there is room for.
  void prepend(const store::LogPart& part, const store::Version& after);

  [[nodiscard]] const store::MemoryStore& store() const { return store_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const store::Version& version() const { return version_; }
  /// The version from which on changes are known.
  [[nodiscard]] const store::Version& horizon() const { return horizon_; }
  /// Whether since() has an answer. Cheap.
  [[nodiscard]] bool knows(const store::Version& version) const;
  /// Whether a node that serves this may know more than there is here: then it keeps that until this is made up for.
  [[nodiscard]] bool is_ahead(const store::Version& version) const;
  /// Whether the log may tell what happened since: not when it told before that this is too long ago.
  [[nodiscard]] bool may_learn(const store::Version& version) const;
  /// The configuration as peers of this kind get it. They share it. Kinds beyond Options::max_views get one that is
  /// withheld, and says why.
  [[nodiscard]] std::shared_ptr<View> view(const sync::wire::Peer& peer);
  /// The configuration as peers that know everything get it; its digest is the one that people see.
  [[nodiscard]] View& whole();

  /// For views: a thread for what takes long, and where the task lives that waits for it.
  rt::BlockingPool& pool();
  void spawn(Task<void> task) { works_.spawn(std::move(task)); }

  /// Everything that changed after `from`, each row once, the way it is now. Nothing when that is not known.
  [[nodiscard]] std::optional<Step> since(const store::Version& from) const;
  /// Calls `visit` with each row that data planes get, types in the order of the catalog.
  void each_row(const std::function<void(const sync::EntityRow&)>& visit) const;

  /// Called after each change, when the store has it; at the end of the turn or later.
  std::function<void()> on_change;

 private:
  /// A row that a version put or removed; how it is now, the store says.
  struct Touch {
    store::Version version;
    std::string_view type;  // the catalog's text
    Uuid id;
  };

  void note(const std::string& type, const Uuid& id, const store::Version& version);
  void forget_oldest();
  std::shared_ptr<View> crowded_view();
  [[nodiscard]] static Step to_step(const store::MemoryStore& before, const sync::Delta& delta);

  const store::MemoryStore& store_;
  const Options options_;
  store::Version version_;
  store::Version horizon_;
  std::deque<Touch> touched_;  // behind the horizon, by version
  store::Version too_old_;     // what the log did not lead from, and all before it
  std::map<std::string, std::weak_ptr<View>> views_;
  std::shared_ptr<View> whole_;
  std::unique_ptr<rt::BlockingPool> pool_;  // made for the first that needs it
  rt::TaskScope works_;                     // last: its tasks use everything above
};

/// Whether data planes get rows of a type.
[[nodiscard]] bool is_distributed(std::string_view type);

}  // namespace sluice::control::cluster
