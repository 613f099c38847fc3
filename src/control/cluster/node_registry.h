// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/cluster/feed.h"
#include "control/cluster/node_book.h"
#include "settings/settings.h"

namespace sluice::control::cluster {

/// The nodes of one control plane. What this process saw of them can be written down and read back, so that a restart
/// forgets none; what other replicas wrote is added to what it lists.
class NodeRegistry final : public NodeBook {
 public:
  explicit NodeRegistry(Feed& feed) : feed_(feed) {}

  [[nodiscard]] std::vector<const NodeRecord*> list() const override;
  [[nodiscard]] const NodeRecord* find(const Uuid& id) const override;
  bool erase(const Uuid& id) override;
  [[nodiscard]] std::string expected_hash() const override;
  [[nodiscard]] store::Version expected_version() const override { return feed_.version(); }

  /// The record of a node that connects here; made if there is none. Valid until it is erased.
  NodeRecord& meet(const Uuid& id);
  /// To be called with the id of a node that is erased while it is connected.
  std::function<void(const Uuid& id)> on_erase;
  /// A record of this process has changed.
  void touch() { changed_ = true; }
  /// Whether there is something to write down since the last call.
  [[nodiscard]] bool take_changed() { return std::exchange(changed_, false); }

  /// The nodes seen by this process, as JSON.
  [[nodiscard]] std::string to_text() const;
  /// What this process wrote before it was restarted: nobody is connected.
  void remember(std::string_view text);
  /// What another replica wrote, instead of what it wrote before.
  void take_over(const std::string& replica, std::string_view text);
  /// Forgets nodes that nobody has seen for so long; how many.
  std::size_t purge(Millis unseen, store::SysTime now);

 private:
  using Records = std::map<Uuid, NodeRecord>;
  /// The one that knows a node best.
  [[nodiscard]] const NodeRecord* newest(const Uuid& id) const;

  Feed& feed_;
  Records here_;
  std::map<std::string, Records> elsewhere_;  // by replica
  bool changed_ = false;
};

}  // namespace sluice::control::cluster
