// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/cluster/feed.h"
#include "control/cluster/frame_cache.h"
#include "control/cluster/issues.h"
#include "control/cluster/parcel.h"
#include "rt/task.h"
#include "rt/waiter.h"
#include "sync/digest.h"
#include "sync/signature.h"
#include "sync/wire/projection.h"

namespace sluice::control::cluster {

/// A configuration as one kind of data plane gets it, and the messages that carry it: each is made once, however many
/// nodes it goes to, and large ones by another thread. A parcel leads to the version that there was when it was asked
/// for. Belongs to the control shard.
class View : public std::enable_shared_from_this<View> {
 public:
  /// With an issue it is withheld for as long as it is there.
  View(Feed& feed, sync::wire::Projection projection,
       std::optional<sync::wire::CompatibilityIssue> standing_issue = {});

  /// Of what a node that is up to date holds.
  [[nodiscard]] std::string hash() const { return digest_.text(); }
  [[nodiscard]] const sync::Digest& digest() const { return digest_; }
  /// What peers of this kind cannot take; nothing is sent while there is an error among it.
  [[nodiscard]] const Issues& issues() const;
  [[nodiscard]] bool withheld() const { return errors_ != 0 || standing_issue_.has_value(); }

  /// sluice.sync.v1.push: what changed since `from`. Without frames when that is not known any more, or too much for
  /// one message.
  Task<Parcel> push_since(store::Version from);
  /// The same of everything, in parts; signed.
  Task<Parcel> push_all(std::shared_ptr<const sync::Signer> signer, std::string control_plane);
  /// The answer to kong.sync.v2.get_delta, for answer_to(). Without frames when that is not known any more.
  Task<Parcel> answer_since(store::Version from);
  Task<Parcel> answer_all();
  /// Protocol 1's message. All nodes get the same at most once in an interval: within that it may be of an older
  /// version than the newest one.
  Task<Parcel> reconfigure(Millis interval);
  /// To which version that would lead.
  [[nodiscard]] store::Version reconfigures_to(Millis interval) const;

 private:
  friend class Feed;
  using Key = std::pair<std::string, Uuid>;
  using Make = std::function<std::vector<std::string>()>;
  static constexpr std::string_view kReconfigure = "reconfigure";

  /// Something that is being made, and who waits for it.
  struct Job {
    Parcel made;
    bool done = false;
    std::list<rt::Waiter*> waiting;
  };
  using Jobs = std::map<std::string, std::shared_ptr<Job>>;

  void start();
  void drop_frames();
  void changing(const store::MemoryStore& before, const Step& step);
  void put(const sync::EntityRow& row);
  void take(const sync::EntityRow& row);
  [[nodiscard]] Cargo change(Step step) const;
  [[nodiscard]] Cargo everything() const;
  [[nodiscard]] std::int64_t now_ms() const;

  std::optional<Task<Parcel>> find(const std::string& what);
  Task<Parcel> make(const std::string& what, std::size_t octets, Make work);
  static Task<void> run(std::shared_ptr<View> self, std::shared_ptr<Job> job, std::string what, Make work);
  static Task<Parcel> wait_for(rt::Reactor& reactor, std::shared_ptr<Job> job);
  void keep(const std::string& what, const Parcel& made);

  Feed& feed_;
  sync::wire::Projection projection_;
  sync::Digest digest_;
  std::map<Key, std::vector<sync::wire::CompatibilityIssue>> issues_;  // of the rows that have any
  std::size_t errors_ = 0;                                             // rows with an error
  const std::optional<sync::wire::CompatibilityIssue> standing_issue_;
  mutable std::optional<Issues> all_issues_;  // since the last change of them

  FrameCache made_;                  // since the last change
  Jobs jobs_;                        // likewise, under way
  Parcel reconfigure_;               // the latest
  std::int64_t reconfigure_ms_ = 0;  // when that was begun; monotonic
};

}  // namespace sluice::control::cluster
