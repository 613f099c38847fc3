// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/shared.h"
#include "gateway/router/route.h"

namespace sluice::gateway::router {

/// A persistent set of entries in the order in which they are asked: copies are O(1) snapshots, a change costs
/// O(log n) and leaves other copies alone. A treap whose priorities derive from the ids, so that its shape depends on
/// the content only.
class EntrySet {
 public:
  [[nodiscard]] bool empty() const { return !root_; }
  /// Replaces an entry of equal place (same rank, route id and index).
  void insert(const Shared<const Route>& route, std::uint32_t index);
  /// Nothing happens if it is not there.
  void erase(EntryView entry);

  /// Calls `visit(EntryView)` in order until it returns false.
  template <class Visit>
  void each(Visit&& visit) const {
    walk(root_.get(), visit);
  }

 private:
  struct Node;
  using Link = Shared<Node>;
  struct Node : Counted {
    Node(Shared<const Route> r, std::uint32_t i);
    [[nodiscard]] EntryView view() const { return {route.get(), index, plain_protocols, target}; }
    std::uint32_t index;
    std::uint32_t weight;
    std::uint8_t plain_protocols;  // as EntryView says, and the next
    const void* target;
    Shared<const Route> route;
    Link left, right;
  };

  template <class Visit>
  static bool walk(const Node* node, Visit& visit) {
    for (; node; node = node->right.get()) {
      if (!walk(node->left.get(), visit) || !visit(node->view())) return false;
    }
    return true;
  }
  static void own(Link& link);
  static void insert_into(Link& link, Link&& added);
  static void erase_from(Link& link, EntryView entry);
  static void split(Link node, EntryView at, Link& before, Link& after);
  static Link merge(Link before, Link after);

  Link root_;
};

}  // namespace sluice::gateway::router
