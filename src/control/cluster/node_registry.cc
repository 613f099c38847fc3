// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_registry.h"

#include <set>

#include "base/log.h"
#include "base/time.h"
#include "control/cluster/node_text.h"
#include "control/cluster/view.h"

namespace sluice::control::cluster {
namespace {

// Ping intervals are 10 and 30 seconds; nobody is asked to be faster than the slower one allows.
constexpr Millis kHeardOfLately{90'000};

std::vector<NodeRecord> read_nodes(std::string_view text) {
  std::vector<NodeRecord> nodes;
  const auto json = parse_json(text);
  if (!json || !json->is_array()) {
    log::warn("cluster.nodes_unreadable", {{"octets", text.size()}});
    return nodes;
  }
  for (const Json& each : json->as_array()) {
    if (auto node = read_node(each)) nodes.push_back(*std::move(node));
  }
  return nodes;
}

}  // namespace

bool in_sync(const NodeRecord& node, const NodeBook& book) {
  const store::SysTime now{Millis(unix_millis())};
  return node.config_hash == book.expected_hash() && now - node.last_seen < kHeardOfLately;
}

const NodeRecord* NodeRegistry::newest(const Uuid& id) const {
  const NodeRecord* best = nullptr;
  const auto consider = [&](const Records& records) {
    const auto found = records.find(id);
    if (found == records.end()) return;
    if (best == nullptr || found->second.last_seen > best->last_seen) best = &found->second;
  };
  consider(here_);
  if (best != nullptr && best->connected) return best;
  for (const auto& [replica, records] : elsewhere_) consider(records);
  return best;
}

std::string NodeRegistry::expected_hash() const {
  return feed_.whole().hash();
}

std::vector<const NodeRecord*> NodeRegistry::list() const {
  std::set<Uuid> ids;
  for (const auto& [id, node] : here_) ids.insert(id);
  for (const auto& [replica, records] : elsewhere_) {
    for (const auto& [id, node] : records) ids.insert(id);
  }
  std::vector<const NodeRecord*> nodes;
  nodes.reserve(ids.size());
  for (const Uuid& id : ids) nodes.push_back(newest(id));
  return nodes;
}

const NodeRecord* NodeRegistry::find(const Uuid& id) const {
  return newest(id);
}

bool NodeRegistry::erase(const Uuid& id) {
  bool known = here_.contains(id);
  for (auto& [replica, records] : elsewhere_) known = records.erase(id) > 0 || known;
  if (on_erase) on_erase(id);
  here_.erase(id);
  changed_ = changed_ || known;
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

std::string NodeRegistry::to_text() const {
  Json::Array nodes;
  for (const auto& [id, node] : here_) nodes.push_back(to_json_value(node));
  return to_json(nodes);
}

void NodeRegistry::remember(std::string_view text) {
  for (NodeRecord& node : read_nodes(text)) {
    node.connected = false;
    const Uuid id = node.peer.node_id;
    here_.try_emplace(id, std::move(node));
  }
}

void NodeRegistry::take_over(const std::string& replica, std::string_view text) {
  Records records;
  for (NodeRecord& node : read_nodes(text)) {
    const Uuid id = node.peer.node_id;
    records.insert_or_assign(id, std::move(node));
  }
  elsewhere_[replica] = std::move(records);
}

std::size_t NodeRegistry::purge(Millis unseen, store::SysTime now) {
  const std::size_t purged = std::erase_if(
      here_, [&](const auto& entry) { return !entry.second.connected && now - entry.second.last_seen > unseen; });
  changed_ = changed_ || purged > 0;
  return purged;
}

}  // namespace sluice::control::cluster
