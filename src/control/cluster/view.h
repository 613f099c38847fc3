// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/cluster/feed.h"
#include "sync/digest.h"
#include "sync/signature.h"
#include "sync/wire/projection.h"

namespace sluice::control::cluster {

/// Messages as they go out, one after the other. Shared by all connections that send them.
using Frames = std::shared_ptr<const std::vector<std::string>>;

/// A configuration as one kind of data plane gets it, and the messages that carry it: each is made once, however many
/// nodes it goes to. Belongs to the control shard.
class View {
 public:
  View(const Feed& feed, sync::wire::Projection projection);

  /// Of what a node that is up to date holds.
  [[nodiscard]] std::string hash() const { return digest_.text(); }
  [[nodiscard]] const sync::Digest& digest() const { return digest_; }
  /// What peers of this kind cannot take; nothing is sent while there is an error among it.
  [[nodiscard]] std::vector<sync::wire::CompatibilityIssue> issues() const;
  [[nodiscard]] bool withheld() const { return errors_ != 0; }

  /// sluice.sync.v1.push, compressed: what changed since `from`. Null when that is not known any more.
  [[nodiscard]] Frames push_since(const store::Version& from);
  /// The same of everything, in parts; signed.
  [[nodiscard]] Frames push_all(const sync::Signer& signer, const std::string& control_plane);
  /// The deltas for kong.sync.v2.get_delta, as a JSON array. Null likewise.
  [[nodiscard]] std::shared_ptr<const std::string> deltas_since(const store::Version& from);
  [[nodiscard]] std::shared_ptr<const std::string> all_deltas();
  /// Protocol 1's message, gzipped.
  [[nodiscard]] std::shared_ptr<const std::string> reconfigure();

 private:
  friend class Feed;
  void start();
  void changing(const store::MemoryStore& before, const Step& step);
  void put(const sync::EntityRow& row);
  void take(const sync::EntityRow& row);
  [[nodiscard]] std::optional<Step> projected_since(const store::Version& from) const;
  [[nodiscard]] std::vector<sync::EntityRow> rows() const;

  using Key = std::pair<std::string, Uuid>;

  const Feed& feed_;
  sync::wire::Projection projection_;
  sync::Digest digest_;
  std::map<Key, std::vector<sync::wire::CompatibilityIssue>> issues_;  // of the rows that have any
  std::size_t errors_ = 0;                                             // rows with an error

  // Made since the last change. What everything is in is dropped when nobody sends it any more.
  std::map<store::Version, Frames> pushes_;
  std::map<store::Version, std::shared_ptr<const std::string>> deltas_;
  std::weak_ptr<const std::vector<std::string>> push_all_;
  const sync::Signer* push_all_signer_ = nullptr;  // of that, which keeps it alive through the links that send it
  std::weak_ptr<const std::string> all_deltas_;
  std::weak_ptr<const std::string> reconfigure_;
};

}  // namespace sluice::control::cluster
