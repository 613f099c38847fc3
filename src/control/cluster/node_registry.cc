// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_registry.h"

#include <algorithm>
#include <set>

#include "base/time.h"
#include "control/cluster/node_text.h"
#include "control/cluster/view.h"
#include "crypto/pem.h"

namespace sluice::control::cluster {
namespace {

// Ping intervals are 10 and 30 seconds, and replicas tell of their nodes every half a minute.
constexpr Millis kHeardOfLately{90'000};

/// Empty where there is none.
std::string fingerprint_of_first(const std::string& pem) {
  const auto chain = crypto::Certificate::parse_chain(pem);
  return chain && !chain->empty() ? chain->front().sha256_hex() : std::string();
}

}  // namespace

bool in_sync(const NodeRecord& node, const NodeBook& book) {
  const store::SysTime now{Millis(unix_millis())};
  return node.config_hash == book.expected_hash() && now - node.last_seen < kHeardOfLately;
}

const NodeRecord* NodeRegistry::newest(const Uuid& id) const {
  const auto mine = here_.find(id);
  const NodeRecord* best = mine != here_.end() ? &mine->second : nullptr;
  if (best != nullptr && best->connected) return best;
  for (auto at = elsewhere_.lower_bound({id, {}}); at != elsewhere_.end() && at->first.first == id; ++at) {
    const NodeRecord& node = at->second.node;
    const auto rank = [](const NodeRecord& one) { return std::pair(one.connected, one.last_seen); };
    if (best == nullptr || rank(node) > rank(*best)) best = &node;
  }
  return best;
}

std::string NodeRegistry::expected_hash() const {
  return feed_.whole().hash();
}

std::vector<const NodeRecord*> NodeRegistry::list() const {
  std::set<Uuid> ids;
  for (const auto& [id, node] : here_) ids.insert(ids.end(), id);
  for (const auto& [place, other] : elsewhere_) ids.insert(place.first);
  std::vector<const NodeRecord*> nodes;
  nodes.reserve(ids.size());
  for (const Uuid& id : ids) nodes.push_back(newest(id));
  return nodes;
}

const NodeRecord* NodeRegistry::find(const Uuid& id) const {
  return newest(id);
}

/// The reference may be to the very record that goes.
bool NodeRegistry::erase(const Uuid& given) {
  const Uuid id = given;
  const bool known = newest(id) != nullptr;
  if (on_erase) on_erase(id);
  here_.erase(id);
  std::erase_if(elsewhere_, [&](const auto& entry) { return entry.first.first == id; });
  if (known) erased_.push_back(id);
  return known;
}

NodeRecord& NodeRegistry::meet(const Uuid& id) {
  auto [entry, made] = here_.try_emplace(id);
  NodeRecord& node = entry->second;
  if (made) {
    if (const NodeRecord* known = newest(id); known != nullptr && known != &node) node = *known;
    node.peer.node_id = id;
    if (node.first_seen == store::SysTime{}) node.first_seen = store::SysTime(Millis(unix_millis()));
  }
  changed_ = true;
  return node;
}

// Written down
// -------------------------------------------------------------------------------------------------------------------

/// Of a node that was connected when its record was written.
void NodeRegistry::apply(const Roll& roll, NodeRecord& node) {
  node.last_seen = std::max(node.last_seen, roll.at);
  if (!roll.behind || roll.behind->contains(node.peer.node_id)) return;
  if (node.config_version != roll.version || node.config_hash != roll.hash) node.config_since = roll.at;
  node.config_version = roll.version;
  node.config_hash = roll.hash;
}

void NodeRegistry::remember(NodeRecord node, const Roll* roll) {
  if (node.connected && roll != nullptr) apply(*roll, node);
  node.connected = false;
  const Uuid id = node.peer.node_id;
  here_.try_emplace(id, std::move(node));
  changed_ = true;
}

void NodeRegistry::take_over(const std::string& replica, NodeRecord node, const Roll* roll, store::SysTime now) {
  Elsewhere& entry = elsewhere_[{node.peer.node_id, replica}];
  entry.was_connected = node.connected;
  entry.node = std::move(node);
  entry.node.connected = entry.was_connected && roll != nullptr && now - roll->at < kHeardOfLately;
  if (entry.was_connected && roll != nullptr) apply(*roll, entry.node);
}

void NodeRegistry::let_go(const std::string& replica, const Uuid& id) {
  elsewhere_.erase({id, replica});
}

void NodeRegistry::take_roll(const std::string& replica, const Roll& roll, store::SysTime now) {
  const bool is_alive = now - roll.at < kHeardOfLately;
  for (auto& [place, other] : elsewhere_) {
    if (place.second != replica || !other.was_connected) continue;
    other.node.connected = is_alive;
    apply(roll, other.node);
  }
}

// Forgotten
// -------------------------------------------------------------------------------------------------------------------

/// Of these, the ones that nobody has seen for the longest; connected ones stay.
void NodeRegistry::drop_oldest(std::vector<Records::iterator> of, std::size_t keep, std::vector<Place>& dropped) {
  std::size_t surplus = of.size() - keep;
  std::erase_if(of, [](const auto& at) { return at->second.connected; });
  std::ranges::sort(of, {}, [](const auto& at) { return at->second.last_seen; });
  surplus = std::min(surplus, of.size());
  for (std::size_t i = 0; i < surplus; ++i) {
    dropped.emplace_back(of[i]->first, std::string());
    here_.erase(of[i]);
  }
}

void NodeRegistry::drop_beyond(const Limits& limits, std::vector<Place>& dropped) {
  std::map<std::string, std::vector<Records::iterator>> by_certificate;
  for (auto at = here_.begin(); at != here_.end(); ++at)
    by_certificate[at->second.certificate_fingerprint].push_back(at);
  const std::string own = fingerprint_of_first(door_certificate_);
  for (auto& [certificate, nodes] : by_certificate) {
    if (nodes.size() > limits.per_certificate && certificate != own) {
      drop_oldest(std::move(nodes), limits.per_certificate, dropped);
    }
  }
  if (here_.size() <= limits.nodes) return;
  std::vector<Records::iterator> all;
  for (auto at = here_.begin(); at != here_.end(); ++at) all.push_back(at);
  drop_oldest(std::move(all), limits.nodes, dropped);
}

std::vector<NodeRegistry::Place> NodeRegistry::purge(Millis unseen, store::SysTime now, const Limits& limits) {
  std::vector<Place> dropped;
  const auto is_over = [&](const NodeRecord& node) { return !node.connected && now - node.last_seen > unseen; };
  std::erase_if(here_, [&](const auto& entry) {
    if (is_over(entry.second)) dropped.emplace_back(entry.first, std::string());
    return is_over(entry.second);
  });
  std::erase_if(elsewhere_, [&](const auto& entry) {
    if (is_over(entry.second.node)) dropped.push_back(entry.first);
    return is_over(entry.second.node);
  });
  if (here_.size() > std::min(limits.nodes, limits.per_certificate)) drop_beyond(limits, dropped);
  return dropped;
}

}  // namespace sluice::control::cluster
