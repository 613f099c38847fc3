// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_text.h"

#include <algorithm>
#include <array>
#include <functional>

#include "control/cluster/node_refusal.h"

namespace sluice::control::cluster {
namespace {

using sync::wire::CompatibilityIssue;

constexpr std::array<std::string_view, 6> kStatusTexts = {
    "unknown",
    "normal",
    "kong_version_incompatible",
    "plugin_set_incompatible",
    "plugin_version_incompatible",
    "filter_set_incompatible",
};

Json millis(const store::SysTime& time) {
  return time.time_since_epoch().count();
}

store::SysTime read_time(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return store::SysTime(Millis(value != nullptr && value->is_int() ? value->as_int() : 0));
}

std::string read_text(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

Json pairs(const std::map<std::string, std::string>& map) {
  Json::Object object;
  for (const auto& [key, value] : map) object.append(key, value);
  return object;
}

std::map<std::string, std::string> read_pairs(const Json& json) {
  std::map<std::string, std::string> map;
  if (!json.is_object()) return map;
  for (const auto& [key, value] : json.as_object()) {
    if (value.is_string()) map.emplace(key, value.as_string());
  }
  return map;
}

void read_peer(const Json& json, sync::wire::Peer& peer) {
  peer.hostname = read_text(json, "hostname");
  peer.kong_version = read_text(json, "version");
  peer.sluice_version = read_text(json, "sluice_version");
  if (const Json* plugins = json.find("plugins"); plugins != nullptr && plugins->is_object()) {
    peer.plugins = read_pairs(*plugins);
  }
  if (const Json* labels = json.find("labels")) peer.labels = read_pairs(*labels);
}

/// A hash over several things in order.
class Mixture {
 public:
  template <class... Texts>
  void add(const Texts&... texts) {
    (mix(std::hash<std::string_view>()(texts)), ...);
  }
  void add(std::int64_t number) { mix(static_cast<std::uint64_t>(number)); }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void mix(std::uint64_t part) {
    constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15;
    value_ = (value_ ^ part) * kPrime;
    value_ ^= value_ >> 32U;
  }
  std::uint64_t value_ = 0;
};

std::size_t octets_in(const std::map<std::string, std::string>& map) {
  constexpr std::size_t kAroundAPair = 100;
  std::size_t octets = 0;
  for (const auto& [key, value] : map) octets += key.size() + value.size() + kAroundAPair;
  return octets;
}

}  // namespace

std::string_view to_string(SyncStatus status) {
  return kStatusTexts[static_cast<std::size_t>(status)];
}

Json to_json_value(const CompatibilityIssue& issue) {
  Json::Array affected;
  for (const auto& [type, id] : issue.affected)
    affected.push_back(Json::Object{{"type", type}, {"id", id.to_string()}});
  const bool error = issue.severity == CompatibilityIssue::Severity::Error;
  return Json::Object{{"code", issue.code},
                      {"severity", error ? "error" : "warning"},
                      {"description", issue.description},
                      {"resolution", issue.resolution},
                      {"affected_resources", std::move(affected)}};
}

Json to_json_value(const NodeRecord& node) {
  Json::Object json{{"id", node.peer.node_id.to_string()},
                    {"hostname", node.peer.hostname},
                    {"version", node.peer.kong_version},
                    {"sluice_version", node.peer.sluice_version},
                    {"labels", pairs(node.peer.labels)},
                    {"plugins", node.peer.plugins ? pairs(*node.peer.plugins) : Json()},
                    {"ip", node.ip},
                    {"protocol", node.protocol},
                    {"first_seen", millis(node.first_seen)},
                    {"last_seen", millis(node.last_seen)},
                    {"connected", node.connected},
                    {"sync_status", to_string(node.sync_status)},
                    {"config_hash", node.config_hash},
                    {"config_version", node.config_version ? Json(to_string(*node.config_version)) : Json()},
                    {"config_since", millis(node.config_since)},
                    {"config_error", bounded_config_error(node.config_error)},
                    {"certificate_fingerprint", node.certificate_fingerprint},
                    {"certificate_expires", node.certificate_expires ? millis(*node.certificate_expires) : Json()}};
  return json;
}

Result<NodeRecord> read_node(const Json& json) {
  NodeRecord node;
  const auto id = Uuid::parse(read_text(json, "id"));
  if (!id) return fail(Errc::Invalid, "a node without an id");
  node.peer.node_id = *id;
  read_peer(json, node.peer);
  node.ip = read_text(json, "ip");
  node.protocol = read_text(json, "protocol");
  node.first_seen = read_time(json, "first_seen");
  node.last_seen = read_time(json, "last_seen");
  const Json* connected = json.find("connected");
  node.connected = connected != nullptr && connected->is_bool() && connected->as_bool();
  const auto status = std::ranges::find(kStatusTexts, read_text(json, "sync_status"));
  if (status != kStatusTexts.end()) node.sync_status = static_cast<SyncStatus>(status - kStatusTexts.begin());
  node.config_hash = read_text(json, "config_hash");
  if (const auto version = store::parse_version(read_text(json, "config_version"))) node.config_version = *version;
  node.config_since = read_time(json, "config_since");
  if (const Json* error = json.find("config_error")) node.config_error = bounded_config_error(*error);
  node.certificate_fingerprint = read_text(json, "certificate_fingerprint");
  if (const Json* expires = json.find("certificate_expires"); expires != nullptr && expires->is_int()) {
    node.certificate_expires = read_time(json, "certificate_expires");
  }
  keep_small(node);
  return node;
}

std::uint64_t fingerprint_of(const NodeRecord& node) {
  Mixture mixture;
  mixture.add(node.peer.hostname, node.peer.kong_version, node.peer.sluice_version, node.ip, node.protocol);
  for (const auto& [key, value] : node.peer.labels) mixture.add(key, value);
  if (node.peer.plugins) {
    for (const auto& [name, version] : *node.peer.plugins) mixture.add(name, version);
  }
  mixture.add(node.certificate_fingerprint, node.connected ? "connected" : "", to_string(node.sync_status));
  mixture.add(node.first_seen.time_since_epoch().count());
  if (node.certificate_expires) mixture.add(node.certificate_expires->time_since_epoch().count());
  if (!node.config_error.is_null()) mixture.add(to_json(node.config_error));
  if (node.connected) return mixture.value();
  mixture.add(node.config_hash, node.config_version ? to_string(*node.config_version) : "");
  mixture.add(node.config_since.time_since_epoch().count());
  return mixture.value();
}

void keep_small(NodeRecord& node) {
  constexpr std::size_t kMostOfPlugins = 24 * 1024;
  constexpr std::size_t kMostOfLabels = 8 * 1024;
  if (node.peer.plugins && octets_in(*node.peer.plugins) > kMostOfPlugins) node.peer.plugins.reset();
  if (octets_in(node.peer.labels) > kMostOfLabels) node.peer.labels.clear();
  node.config_error = bounded_config_error(node.config_error);
}

std::string to_text(const Roll& roll) {
  Json behind;
  if (roll.behind) {
    behind = Json::array();
    for (const Uuid& id : *roll.behind) behind.as_array().emplace_back(id.to_string());
  }
  return to_json(Json::Object{{"at", millis(roll.at)},
                              {"version", to_string(roll.version)},
                              {"hash", roll.hash},
                              {"behind", std::move(behind)}});
}

Result<Roll> read_roll(std::string_view text) {
  TRY(const Json json, parse_json(text));
  Roll roll;
  roll.at = read_time(json, "at");
  TRY(roll.version, store::parse_version(read_text(json, "version")));
  roll.hash = read_text(json, "hash");
  const Json* behind = json.find("behind");
  if (behind == nullptr || !behind->is_array()) return roll;
  roll.behind.emplace();
  for (const Json& each : behind->as_array()) {
    if (!each.is_string()) continue;
    if (const auto id = Uuid::parse(each.as_string())) roll.behind->insert(*id);
  }
  return roll;
}

}  // namespace sluice::control::cluster
