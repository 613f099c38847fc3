// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/entry_set.h"

#include <bit>
#include <cstring>
#include <utility>

namespace sluice::gateway::router {
namespace {

// Heap priority: spread evenly whatever the ids look like, and the same in every run.
std::uint32_t weight_of(const Uuid& id, std::uint32_t index) {
  std::uint64_t halves[2];
  std::memcpy(halves, id.octets.data(), sizeof halves);
  std::uint64_t hash = (halves[0] ^ std::rotl(halves[1], 29) ^ index) * 0x9E3779B97F4A7C15ULL;
  hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93ULL;
  return static_cast<std::uint32_t>(hash >> 32);
}

bool same_place(EntryView a, EntryView b) {
  return !goes_before(a, b) && !goes_before(b, a);
}

}  // namespace

EntrySet::Node::Node(Shared<const Route> r, std::uint32_t i)
    : index(i),
      weight(weight_of(r->id, i)),
      plain_protocols(r->only_prefixes ? r->protocols : std::uint8_t{0}),
      target(r->target.get()),
      route(std::move(r)) {}

void EntrySet::own(Link& link) {
  if (!link.unique()) link = Link::make(std::as_const(*link));
}

void EntrySet::insert(const Shared<const Route>& route, std::uint32_t index) {
  Link added = Link::make(route, index);
  erase(added->view());
  insert_into(root_, std::move(added));
}

void EntrySet::insert_into(Link& link, Link&& added) {
  if (!link) {
    link = std::move(added);
  } else if (added->weight > link->weight ||
             (added->weight == link->weight && goes_before(added->view(), link->view()))) {
    split(std::move(link), added->view(), added->left, added->right);
    link = std::move(added);
  } else {
    own(link);
    insert_into(goes_before(added->view(), link->view()) ? link->left : link->right, std::move(added));
  }
}

void EntrySet::split(Link node, EntryView at, Link& before, Link& after) {
  if (!node) return;
  own(node);
  if (goes_before(node->view(), at)) {
    Link rest = std::move(node->right);
    split(std::move(rest), at, node->right, after);
    before = std::move(node);
  } else {
    Link rest = std::move(node->left);
    split(std::move(rest), at, before, node->left);
    after = std::move(node);
  }
}

void EntrySet::erase(EntryView entry) {
  bool present = false;
  for (const Node* node = root_.get(); node && !present;) {
    present = same_place(node->view(), entry);
    node = goes_before(entry, node->view()) ? node->left.get() : node->right.get();
  }
  if (present) erase_from(root_, entry);
}

void EntrySet::erase_from(Link& link, EntryView entry) {
  own(link);
  if (same_place(link->view(), entry)) {
    Link before = std::move(link->left);
    Link after = std::move(link->right);
    link = merge(std::move(before), std::move(after));
  } else {
    erase_from(goes_before(entry, link->view()) ? link->left : link->right, entry);
  }
}

EntrySet::Link EntrySet::merge(Link before, Link after) {
  if (!before) return after;
  if (!after) return before;
  const bool before_on_top =
      before->weight > after->weight || (before->weight == after->weight && goes_before(before->view(), after->view()));
  if (before_on_top) {
    own(before);
    Link rest = std::move(before->right);
    before->right = merge(std::move(rest), std::move(after));
    return before;
  }
  own(after);
  Link rest = std::move(after->left);
  after->left = merge(std::move(before), std::move(rest));
  return after;
}

}  // namespace sluice::gateway::router
