// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_text.h"

#include <algorithm>
#include <array>

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
                    {"config_error", node.config_error},
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
  if (const Json* error = json.find("config_error")) node.config_error = *error;
  node.certificate_fingerprint = read_text(json, "certificate_fingerprint");
  if (const Json* expires = json.find("certificate_expires"); expires != nullptr && expires->is_int()) {
    node.certificate_expires = read_time(json, "certificate_expires");
  }
  return node;
}

}  // namespace sluice::control::cluster
