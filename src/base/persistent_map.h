// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/hash.h"
#include "base/shared.h"

namespace sluice {

/// Hasher that PersistentMap takes by default: seeded for strings, std::hash for everything else.
template <class K>
struct PersistentHash {
  std::size_t operator()(const K& key) const { return std::hash<K>{}(key); }
};
template <>
struct PersistentHash<std::string> : StringHash {};

/// A hash map whose copies are O(1) snapshots that share structure. Changing one copy costs O(log32 n) and leaves the
/// others as they were; nodes that only this copy holds are changed in place, so that bulk loading does not churn.
///
/// Reading takes no lock and touches no reference count; any number of threads may read a map while others change
/// *copies* of it. One map object must not be changed while another thread uses the same object. Keys and values
/// should be cheap to copy (handles). Nodes are freed by whoever drops the last map that holds them.
///
/// It is a compressed hash array mapped trie: 5 bits of the hash per level, entries before children in one allocation,
/// and a shape that depends on the content only, not on the history.
template <class K, class V, class Hash = PersistentHash<K>, class Equal = std::equal_to<>>
class PersistentMap {
 public:
  struct Entry {
    K key;
    V value;
  };
  class Iterator;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// Null when there is none. Valid as long as some copy of this version lives.
  template <class Q>
  [[nodiscard]] const V* find(const Q& key) const {
    const std::uint64_t hash = mix(Hash{}(key));
    unsigned shift = 0;
    for (const Node* node = root_.get(); node; shift += kBits) {
      if (shift >= kHashBits) return find_colliding(*node, key);
      const std::uint32_t bit = bit_of(hash, shift);
      if (node->data_map & bit) {
        const Entry& entry = node->entries()[index_of(node->data_map, bit)];
        return Equal{}(entry.key, key) ? &entry.value : nullptr;
      }
      if (!(node->node_map & bit)) return nullptr;
      node = node->children()[index_of(node->node_map, bit)].get();
    }
    return nullptr;
  }
  template <class Q>
  [[nodiscard]] bool contains(const Q& key) const {
    return find(key) != nullptr;
  }

  /// Adds or replaces; true when the key is new. Invalidates what find() returned for this map object.
  bool insert(K key, V value) {
    const std::uint64_t hash = mix(Hash{}(key));
    const bool added = insert_into(root_, hash, 0, Entry{std::move(key), std::move(value)});
    size_ += added ? 1 : 0;
    return added;
  }
  /// True when there was such a key. Invalidates what find() returned for this map object.
  template <class Q>
  bool erase(const Q& key) {
    if (!contains(key)) return false;  // decided first, so that a miss copies no nodes
    erase_from(root_, mix(Hash{}(key)), 0, key);
    --size_;
    return true;
  }

  /// Lets `change(V&)` alter the value in this map only; a missing key starts with V{}.
  template <class Change>
  void update(const K& key, Change change) {
    if (!contains(key)) insert(key, V{});
    const std::uint64_t hash = mix(Hash{}(key));
    Link* slot = &root_;
    for (unsigned shift = 0;; shift += kBits) {
      own(*slot);
      Node& node = **slot;
      const std::uint32_t bit = shift < kHashBits ? bit_of(hash, shift) : 0;
      if (shift < kHashBits && (node.node_map & bit)) {
        slot = node.children() + index_of(node.node_map, bit);
        continue;
      }
      Entry* entry = node.entries() + (shift < kHashBits ? index_of(node.data_map, bit) : 0);
      while (!Equal{}(entry->key, key)) ++entry;  // moves on only among full collisions
      change(entry->value);
      return;
    }
  }

  /// The next version; this one stays as it is.
  [[nodiscard]] PersistentMap with(K key, V value) const {
    PersistentMap next = *this;
    next.insert(std::move(key), std::move(value));
    return next;
  }
  template <class Q>
  [[nodiscard]] PersistentMap without(const Q& key) const {
    PersistentMap next = *this;
    next.erase(key);
    return next;
  }

  /// Whether both are the same version, in O(1). Two maps of equal content may still say no.
  [[nodiscard]] bool same_version(const PersistentMap& other) const { return root_ == other.root_; }

  /// Entries in an order that depends on the hashes only.
  [[nodiscard]] Iterator begin() const { return Iterator(root_.get()); }
  [[nodiscard]] Iterator end() const { return Iterator(nullptr); }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr unsigned kHashBits = 64;
  static constexpr unsigned kMaxDepth = 14;  // 13 levels of hash bits, then a list of full collisions

  struct Node;
  using Link = Shared<Node>;

  // Tail of the allocation: Entry[popcount(data_map)], then Link[popcount(node_map)]. Below the last hash bit a node is
  // a plain list: data_map is then the number of entries.
  struct Node : Counted {
    Node(std::uint32_t data, std::uint32_t nodes, std::uint32_t entries)
        : data_map(data), node_map(nodes), entry_count(entries) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() {
      std::destroy_n(children(), child_count());
      std::destroy_n(entries(), entry_count);
    }
    [[nodiscard]] std::uint32_t child_count() const { return static_cast<std::uint32_t>(std::popcount(node_map)); }
    [[nodiscard]] Entry* entries() const {
      return reinterpret_cast<Entry*>(reinterpret_cast<std::uintptr_t>(this) + kEntryOffset);
    }
    [[nodiscard]] Link* children() const {
      return reinterpret_cast<Link*>(reinterpret_cast<std::uintptr_t>(this) + child_offset(entry_count));
    }

    std::uint32_t data_map;
    std::uint32_t node_map;
    std::uint32_t entry_count;
  };
  static_assert(alignof(Entry) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  static constexpr std::size_t kEntryAlign = alignof(Entry) > alignof(void*) ? alignof(Entry) : alignof(void*);
  static constexpr std::size_t kEntryOffset = (sizeof(std::uint32_t) * 4 + kEntryAlign - 1) / kEntryAlign * kEntryAlign;

  // An entry may be of any size, links stay aligned behind it.
  static constexpr std::size_t child_offset(std::uint32_t entries) {
    return (kEntryOffset + entries * sizeof(Entry) + alignof(Link) - 1) / alignof(Link) * alignof(Link);
  }

  // Hashers such as that of integers keep their bits where the caller had them; a trie needs them everywhere.
  static std::uint64_t mix(std::uint64_t hash) {
    hash = (hash ^ (hash >> 32)) * 0x9E3779B97F4A7C15ULL;
    return hash ^ (hash >> 29);
  }
  static std::uint32_t bit_of(std::uint64_t hash, unsigned shift) { return 1U << ((hash >> shift) & 31U); }
  static std::uint32_t index_of(std::uint32_t map, std::uint32_t bit) {
    return static_cast<std::uint32_t>(std::popcount(map & (bit - 1)));
  }

  template <class Q>
  static const V* find_colliding(const Node& node, const Q& key) {
    for (std::uint32_t i = 0; i < node.entry_count; ++i) {
      if (Equal{}(node.entries()[i].key, key)) return &node.entries()[i].value;
    }
    return nullptr;
  }

  static Link make_node(std::uint32_t data_map, std::uint32_t node_map, std::uint32_t entries) {
    static_assert(kEntryOffset >= sizeof(Node));
    const auto children = static_cast<std::size_t>(std::popcount(node_map));
    return Link::make_sized(child_offset(entries) - sizeof(Node) + children * sizeof(Link), data_map, node_map,
                            entries);
  }

  // Carries an entry or link over to a new node: moved when the old node dies with its only reference, else copied.
  template <class T>
  static void carry(T* to, T& from, bool move) {
    if (move) {
      std::construct_at(to, std::move(from));
    } else {
      std::construct_at(to, std::as_const(from));
    }
  }

  // Rebuilds `slot` with other maps. `skip_entry`/`skip_child` name the index in the old node that is left out (or
  // kNone), `entry`/`child` what is added at its index in the new node.
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Change {
    std::uint32_t skip_entry = kNone, skip_child = kNone;
    std::uint32_t entry_at = kNone, child_at = kNone;
  };
  static void rebuild(Link& slot, std::uint32_t data_map, std::uint32_t node_map, std::uint32_t entries, Change change,
                      Entry* entry, Link child) {
    Link next = make_node(data_map, node_map, entries);
    const bool move = slot.unique();
    std::uint32_t out = 0;
    const std::uint32_t old_entries = slot ? slot->entry_count : 0;
    for (std::uint32_t i = 0; i <= old_entries; ++i) {
      if (out == change.entry_at) std::construct_at(next->entries() + out++, std::move(*entry));
      if (i < old_entries && i != change.skip_entry) carry(next->entries() + out++, slot->entries()[i], move);
    }
    out = 0;
    const std::uint32_t old_children = slot ? slot->child_count() : 0;
    for (std::uint32_t i = 0; i <= old_children; ++i) {
      if (out == change.child_at) std::construct_at(next->children() + out++, std::exchange(child, {}));
      if (i < old_children && i != change.skip_child) carry(next->children() + out++, slot->children()[i], move);
    }
    slot = std::move(next);
  }

  // Makes `slot` the only reference to an equal node.
  static void own(Link& slot) {
    if (!slot.unique()) rebuild(slot, slot->data_map, slot->node_map, slot->entry_count, {}, nullptr, {});
  }

  static bool insert_into(Link& slot, std::uint64_t hash, unsigned shift, Entry&& entry) {
    if (shift >= kHashBits) return insert_colliding(slot, std::move(entry));
    const std::uint32_t bit = bit_of(hash, shift);
    const std::uint32_t data = slot ? slot->data_map : 0;
    const std::uint32_t nodes = slot ? slot->node_map : 0;
    const std::uint32_t count = slot ? slot->entry_count : 0;
    if (nodes & bit) {
      own(slot);
      return insert_into(slot->children()[index_of(nodes, bit)], hash, shift + kBits, std::move(entry));
    }
    const std::uint32_t at = index_of(data, bit);
    if (!(data & bit)) {
      rebuild(slot, data | bit, nodes, count + 1, {.entry_at = at}, &entry, {});
      return true;
    }
    if (Equal{}(slot->entries()[at].key, entry.key)) {
      own(slot);
      slot->entries()[at] = std::move(entry);
      return false;
    }
    Link below;
    Entry resident = slot->entries()[at];
    const std::uint64_t resident_hash = mix(Hash{}(resident.key));
    insert_into(below, resident_hash, shift + kBits, std::move(resident));
    insert_into(below, hash, shift + kBits, std::move(entry));
    rebuild(slot, data & ~bit, nodes | bit, count - 1, {.skip_entry = at, .child_at = index_of(nodes, bit)}, nullptr,
            std::move(below));
    return true;
  }

  static bool insert_colliding(Link& slot, Entry&& entry) {
    const std::uint32_t count = slot ? slot->entry_count : 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!Equal{}(slot->entries()[i].key, entry.key)) continue;
      own(slot);
      slot->entries()[i] = std::move(entry);
      return false;
    }
    rebuild(slot, 0, 0, count + 1, {.entry_at = count}, &entry, {});
    return true;
  }

  // The key is present. Leaves `slot` empty when its last entry went.
  template <class Q>
  static void erase_from(Link& slot, std::uint64_t hash, unsigned shift, const Q& key) {
    if (shift >= kHashBits) return erase_colliding(slot, key);
    const std::uint32_t bit = bit_of(hash, shift);
    const std::uint32_t data = slot->data_map;
    const std::uint32_t nodes = slot->node_map;
    if (data & bit) return remove_entry(slot, data & ~bit, index_of(data, bit));
    own(slot);
    const std::uint32_t at = index_of(nodes, bit);
    Link& child = slot->children()[at];
    erase_from(child, hash, shift + kBits, key);
    // A lone entry moves up: the shape stays a function of the content.
    if (child->node_map == 0 && child->entry_count == 1) {
      Entry lone = child->entries()[0];
      rebuild(slot, data | bit, nodes & ~bit, slot->entry_count + 1,
              {.skip_child = at, .entry_at = index_of(data, bit)}, &lone, {});
    }
  }
  template <class Q>
  static void erase_colliding(Link& slot, const Q& key) {
    std::uint32_t at = 0;
    while (!Equal{}(slot->entries()[at].key, key)) ++at;
    remove_entry(slot, 0, at);
  }
  static void remove_entry(Link& slot, std::uint32_t data_map, std::uint32_t at) {
    const std::uint32_t left = slot->entry_count - 1;
    if (left == 0 && slot->node_map == 0) {
      slot = {};
    } else {
      rebuild(slot, data_map, slot->node_map, left, {.skip_entry = at}, nullptr, {});
    }
  }

  Link root_;
  std::size_t size_ = 0;
};

/// Walks the entries of one version; valid as long as some copy of that version lives.
template <class K, class V, class Hash, class Equal>
class PersistentMap<K, V, Hash, Equal>::Iterator {
 public:
  using value_type = Entry;
  using difference_type = std::ptrdiff_t;

  const Entry& operator*() const { return stack_[depth_ - 1].node->entries()[stack_[depth_ - 1].entry]; }
  const Entry* operator->() const { return &**this; }
  Iterator& operator++() {
    ++stack_[depth_ - 1].entry;
    settle();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& a, const Iterator& b) {
    if (a.depth_ == 0 || b.depth_ == 0) return a.depth_ == b.depth_;
    return &*a == &*b;
  }

 private:
  friend class PersistentMap;
  struct Frame {
    const Node* node;
    std::uint32_t entry, child;
  };

  explicit Iterator(const Node* root) {
    if (!root) return;
    stack_[depth_++] = {root, 0, 0};
    settle();
  }
  // Moves on to the next frame that still has an entry.
  void settle() {
    while (depth_ > 0) {
      Frame& top = stack_[depth_ - 1];
      if (top.entry < top.node->entry_count) return;
      if (top.child < top.node->child_count()) {
        stack_[depth_++] = {top.node->children()[top.child++].get(), 0, 0};
      } else {
        --depth_;
      }
    }
  }

  std::array<Frame, kMaxDepth> stack_{};
  std::size_t depth_ = 0;
};

}  // namespace sluice
