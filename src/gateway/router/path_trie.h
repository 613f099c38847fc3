// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/shared.h"
#include "gateway/router/entry_bucket.h"

namespace sluice::gateway::router {

/// A persistent radix trie from prefixes to entries. Copies are O(1) snapshots that share structure; a change copies
/// the nodes on the way to its key, unless this copy is their only holder. A look-up visits the entries of every
/// stored prefix of a text, so its cost follows the length of the text and not the number of keys.
class PathTrie {
 public:
  [[nodiscard]] bool empty() const { return !root_; }
  void insert(std::string_view key, const Shared<const Route>& route, std::uint32_t index,
              EntryBucket::HeaderValues required);
  /// The entry must be there under that key, with that requirement.
  void erase(std::string_view key, EntryView entry, EntryBucket::HeaderValues required);

  /// Calls `visit(const EntryBucket&, key length)` for each key that `text` begins with, longer keys first: they are
  /// the likelier winners.
  template <class Visit>
  void each_prefix(std::string_view text, Visit&& visit) const {
    descend(root_.get(), text, 0, visit);
  }

 private:
  struct Node;
  using Link = Shared<Node>;

  // Tail of the allocation: first octet of each child's label in ascending order, own label, Link[child_count]. A
  // descent then reads the beginning of a node and one link.
  struct Node : Counted {
    Node(EntryBucket bucket, std::uint32_t label_octets, std::uint32_t children)
        : label_size(label_octets), child_count(children), entries(std::move(bucket)) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node();

    [[nodiscard]] Link* children() const {
      const auto tail = reinterpret_cast<std::uintptr_t>(this + 1);
      return reinterpret_cast<Link*>(tail + links_at(child_count, label_size));
    }
    [[nodiscard]] char* octets() const { return reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(this + 1)); }
    [[nodiscard]] std::string_view first_octets() const { return {octets(), child_count}; }
    [[nodiscard]] std::string_view label() const { return {octets() + child_count, label_size}; }
    [[nodiscard]] const Node* child(char first) const {
      const auto at = first_octets().find(first);
      return at == std::string_view::npos ? nullptr : children()[at].get();
    }

    std::uint32_t label_size;
    std::uint32_t child_count;
    EntryBucket entries;
  };

  /// Where the links of a tail begin.
  static constexpr std::size_t links_at(std::size_t children, std::size_t label) {
    return children == 0 ? label : (children + label + alignof(Link) - 1) / alignof(Link) * alignof(Link);
  }

  struct Found {
    const EntryBucket* entries;
    std::size_t length;
  };

  // Remembers up to a batch of keys on the way down and visits them on the way back; recursion only beyond that.
  template <class Visit>
  static void descend(const Node* node, std::string_view text, std::size_t done, Visit& visit) {
    std::array<Found, 16> found;
    std::size_t count = 0;
    while (node && text.substr(done).starts_with(node->label())) {
      done += node->label_size;
      if (!node->entries.empty()) found[count++] = {&node->entries, done};
      if (done == text.size()) break;
      node = node->child(text[done]);
      if (count == found.size()) {
        descend(node, text, done, visit);
        break;
      }
    }
    while (count > 0) {
      --count;
      visit(*found[count].entries, found[count].length);
    }
  }

  static Link make(EntryBucket entries, std::string_view label, std::size_t children);
  static void own(Link& link);
  static void add_child(Link& link, Link child);
  static void drop_child(Link& link, std::size_t at);
  static Link relabelled(Link& link, std::string_view label);
  static EntryBucket& bucket_at(Link& link, std::string_view key);
  template <class Change>
  static void shrink(Link& link, std::string_view key, Change change);

  Link root_;
};

}  // namespace sluice::gateway::router
