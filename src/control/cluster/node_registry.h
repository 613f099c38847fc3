// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/cluster/feed.h"
#include "control/cluster/node_book.h"

namespace sluice::control::cluster {

struct Roll;

/// The nodes of one control plane: those seen by this process, and those that other replicas wrote down (node_notes.h).
class NodeRegistry final : public NodeBook {
 public:
  struct Limits {
    std::size_t nodes = 20'000;
    std::size_t per_certificate = 1'000;  // but for the control plane's own, which all nodes may share
  };

  explicit NodeRegistry(Feed& feed) : feed_(feed) {}

  [[nodiscard]] std::vector<const NodeRecord*> list() const override;
  [[nodiscard]] const NodeRecord* find(const Uuid& id) const override;
  bool erase(const Uuid& id) override;
  [[nodiscard]] std::string expected_hash() const override;
  [[nodiscard]] store::Version expected_version() const override { return feed_.version(); }
  [[nodiscard]] std::string door_certificate() const override { return door_certificate_; }
  void set_door_certificate(std::string pem) { door_certificate_ = std::move(pem); }

  /// The record of a node that connects here; made if there is none. Valid until it is erased.
  NodeRecord& meet(const Uuid& id);
  /// To be called with the id of a node that is erased while it is connected.
  std::function<void(const Uuid& id)> on_erase;
  /// A record of this process has changed.
  void touch() { changed_ = true; }

  // For whoever writes it down
  // -----------------------------------------------------------------------------------------------------------------

  using Records = std::map<Uuid, NodeRecord>;
  /// Nodes seen by this process.
  [[nodiscard]] Records& here() { return here_; }
  /// Whether there may be something to write down since the last call.
  [[nodiscard]] bool take_changed() { return std::exchange(changed_, false); }
  /// Nodes that were erased since the last call: nothing of them shall stay.
  [[nodiscard]] std::vector<Uuid> take_erased() { return std::exchange(erased_, {}); }

  /// What this process wrote before it was restarted, and said last of all nodes, if it did: none is connected now.
  void remember(NodeRecord node, const Roll* roll = nullptr);
  /// The same of another replica, instead of what it wrote of that node before.
  void take_over(const std::string& replica, NodeRecord node, const Roll* roll, store::SysTime now);
  /// What another replica wrote is no more.
  void let_go(const std::string& replica, const Uuid& id);
  /// What another replica says of all nodes that are connected to it. Nothing for too long: they are not any more.
  void take_roll(const std::string& replica, const Roll& roll, store::SysTime now);

  /// A record by whoever wrote it; empty: this process.
  using Place = std::pair<Uuid, std::string>;
  /// Forgets nodes that nobody has seen for so long, and of those that are not connected the oldest ones, where there
  /// are too many. Which ones.
  std::vector<Place> purge(Millis unseen, store::SysTime now, const Limits& limits);

 private:
  struct Elsewhere {
    NodeRecord node;
    bool was_connected = false;  // when it was written
  };
  static void apply(const Roll& roll, NodeRecord& node);
  /// The one that knows a node best.
  [[nodiscard]] const NodeRecord* newest(const Uuid& id) const;
  void drop_oldest(std::vector<Records::iterator> of, std::size_t keep, std::vector<Place>& dropped);
  void drop_beyond(const Limits& limits, std::vector<Place>& dropped);

  Feed& feed_;
  Records here_;
  std::map<Place, Elsewhere> elsewhere_;
  std::string door_certificate_;
  std::vector<Uuid> erased_;
  bool changed_ = false;
};

}  // namespace sluice::control::cluster
