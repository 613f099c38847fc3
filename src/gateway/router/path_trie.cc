// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/path_trie.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace sluice::gateway::router {
namespace {

// Order of children, by octet value.
bool less(char a, char b) {
  return static_cast<unsigned char>(a) < static_cast<unsigned char>(b);
}

std::size_t common_size(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

PathTrie::Node::~Node() {
  std::destroy_n(children(), child_count);
}

// Children are empty links and first octets unset: the caller fills both.
PathTrie::Link PathTrie::make(EntryBucket entries, std::string_view label, std::size_t children) {
  Link link = Link::make_sized(links_at(children, label.size()) + children * sizeof(Link), std::move(entries),
                               static_cast<std::uint32_t>(label.size()), static_cast<std::uint32_t>(children));
  std::uninitialized_value_construct_n(link->children(), children);
  if (!label.empty()) std::memcpy(link->octets() + children, label.data(), label.size());
  return link;
}

// A copy of the node under another label; children are moved if nobody else sees the node.
PathTrie::Link PathTrie::relabelled(Link& link, std::string_view label) {
  const bool unique = link.unique();
  Link next = make(unique ? std::move(link->entries) : link->entries, label, link->child_count);
  for (std::size_t i = 0; i < link->child_count; ++i) {
    next->children()[i] = unique ? std::move(link->children()[i]) : link->children()[i];
    next->octets()[i] = link->octets()[i];
  }
  return next;
}

void PathTrie::own(Link& link) {
  if (!link.unique()) link = relabelled(link, link->label());
}

void PathTrie::add_child(Link& link, Link child) {
  const char first = child->label().front();
  const auto octets = link->first_octets();
  const auto at = static_cast<std::size_t>(std::ranges::lower_bound(octets, first, less) - octets.begin());
  const bool unique = link.unique();
  Link next = make(unique ? std::move(link->entries) : link->entries, link->label(), link->child_count + 1);
  for (std::size_t i = 0; i < link->child_count; ++i) {
    const std::size_t to = i < at ? i : i + 1;
    next->children()[to] = unique ? std::move(link->children()[i]) : link->children()[i];
    next->octets()[to] = octets[i];
  }
  next->children()[at] = std::move(child);
  next->octets()[at] = first;
  link = std::move(next);
}

void PathTrie::drop_child(Link& link, std::size_t at) {
  const bool unique = link.unique();
  Link next = make(unique ? std::move(link->entries) : link->entries, link->label(), link->child_count - 1);
  for (std::size_t i = 0; i < next->child_count; ++i) {
    const std::size_t from = i < at ? i : i + 1;
    next->children()[i] = unique ? std::move(link->children()[from]) : link->children()[from];
    next->octets()[i] = link->octets()[from];
  }
  link = std::move(next);
}

void PathTrie::insert(std::string_view key, const Shared<const Route>& route, std::uint32_t index,
                      EntryBucket::HeaderValues required) {
  bucket_at(root_, key).insert(route, index, required);
}

// The bucket of that key, made if there is none, on nodes that only this trie holds.
EntryBucket& PathTrie::bucket_at(Link& link, std::string_view key) {
  if (!link) {
    link = make({}, key, 0);
    return link->entries;
  }
  const std::size_t common = common_size(link->label(), key);
  if (common < link->label_size) {
    const std::string label(link->label());
    Link below = relabelled(link, std::string_view(label).substr(common));
    link = make({}, std::string_view(label).substr(0, common), 0);
    add_child(link, std::move(below));
  }
  own(link);
  key.remove_prefix(common);
  if (key.empty()) return link->entries;
  const auto at = link->first_octets().find(key.front());
  if (at != std::string_view::npos) return bucket_at(link->children()[at], key);
  Link leaf = make({}, key, 0);
  EntryBucket& bucket = leaf->entries;
  add_child(link, std::move(leaf));
  return bucket;
}

void PathTrie::erase(std::string_view key, EntryView entry, EntryBucket::HeaderValues required) {
  shrink(root_, key, [&](EntryBucket& bucket) { bucket.erase(entry, required); });
}

// Changes the bucket of that key. Afterwards `link` is empty, or a node with entries, or one with at least two
// children: no other shape exists.
template <class Change>
void PathTrie::shrink(Link& link, std::string_view key, Change change) {
  own(link);
  key.remove_prefix(link->label_size);
  if (key.empty()) {
    change(link->entries);
  } else {
    const auto at = link->first_octets().find(key.front());
    shrink(link->children()[at], key, change);
    if (!link->children()[at]) drop_child(link, at);
  }
  if (!link->entries.empty() || link->child_count > 1) return;
  if (link->child_count == 0) {
    link = {};
    return;
  }
  Link child = std::move(link->children()[0]);
  std::string label(link->label());
  label += child->label();
  link = relabelled(child, label);
}

}  // namespace sluice::gateway::router
