// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/node_list.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace sluice::cli {
namespace {

// A product that pings every 30 s and does not say whether it is connected.
constexpr std::int64_t kSilentSeconds = 90;

constexpr std::array<std::string_view, 5> kStates = {"refused", "incompatible", "behind", "away", "in sync"};

std::string text_of(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

std::optional<std::int64_t> number_of(const Json& object, std::string_view name) {
  const Json* value = object.find(name);
  if (value == nullptr || !value->is_int()) return std::nullopt;
  return value->as_int();
}

const Json::Array& list_of(const Json& object, std::string_view name) {
  static const Json::Array kNone;
  const Json* value = object.find(name);
  return value != nullptr && value->is_array() ? value->as_array() : kNone;
}

/// "declarative configuration parse failure: routes: paths: ..."; empty when it takes what it gets.
std::string refusal_of(const Json& node) {
  const Json* error = node.find("config_error");
  if (error == nullptr || !error->is_object()) return {};
  std::string text = text_of(*error, "message");
  if (text.empty()) text = text_of(*error, "name");
  if (text.empty()) text = "the configuration";
  for (const Json& entity : list_of(*error, "errors")) {
    const std::string type = text_of(entity, "entity_type");
    const std::string name = text_of(entity, "entity_name");
    if (type.empty()) continue;
    text += " (" + type + (name.empty() ? "" : " " + name) + ")";
    break;  // all of them are in --json
  }
  return text;
}

struct Compatibility {
  std::string fault;  // why it gets nothing; empty: it gets something
  std::size_t limitations = 0;
};

Compatibility compatibility_of(const Json& node) {
  Compatibility found;
  const Json* status = node.find("compatibility_status");
  if (status == nullptr) return found;
  for (const Json& issue : list_of(*status, "issues")) {
    if (text_of(issue, "severity") != "error") {
      ++found.limitations;
    } else if (found.fault.empty()) {
      found.fault = text_of(issue, "description");
      if (found.fault.empty()) found.fault = text_of(issue, "code");
    }
  }
  const std::string sync_status = text_of(node, "sync_status");
  const bool served = sync_status.empty() || sync_status == "normal" || sync_status == "unknown";
  if (found.fault.empty() && !served) found.fault = sync_status;
  return found;
}

bool is_connected(const Json& node, std::int64_t now) {
  const Json* connected = node.find("connected");
  if (connected != nullptr && connected->is_bool()) return connected->as_bool();
  return now - number_of(node, "last_ping").value_or(0) <= kSilentSeconds;
}

std::string labels_of(const Json& node) {
  const Json* labels = node.find("labels");
  std::string text;
  if (labels == nullptr || !labels->is_object()) return text;
  for (const auto& [key, value] : labels->as_object()) {
    if (value.is_string()) text.append(text.empty() ? "" : ",").append(key + ":" + value.as_string());
  }
  return text;
}

std::string version_of(const Json& node) {
  const std::string product = text_of(node, "product");
  return product.empty() ? text_of(node, "version") : product + " " + text_of(node, "version");
}

}  // namespace

std::string_view to_string(NodeState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::size_t NodeList::count(NodeState state) const {
  return static_cast<std::size_t>(std::ranges::count(rows, state, &NodeRow::state));
}

NodeList NodeReader::read(PlaneName control_plane, const Json::Array& nodes, const Json& expected, std::int64_t now) {
  NodeList list{.control_plane = std::move(control_plane),
                .expected_hash = text_of(expected, "expected_hash"),
                .now = now,
                .rows = {}};
  const std::int64_t changed = number_of(expected, "updated_at").value_or(now);
  for (const Json& node : nodes) list.rows.push_back(read_row(node, list.expected_hash, changed, now));
  std::ranges::sort(list.rows, {}, [](const NodeRow& row) { return std::tie(row.state, row.hostname, row.id); });
  return list;
}

NodeRow NodeReader::read_row(const Json& node, const std::string& expected_hash, std::int64_t changed,
                             std::int64_t now) {
  NodeRow row;
  row.id = text_of(node, "id");
  row.hostname = text_of(node, "hostname");
  row.address = text_of(node, "ip");
  row.labels = labels_of(node);
  row.version = version_of(node);
  row.config_version = text_of(node, "config_version");
  row.last_seen = number_of(node, "last_ping").value_or(0);
  row.certificate_expires = number_of(node, "certificate_expires");
  const bool current = text_of(node, "config_hash") == expected_hash;
  const Compatibility compatibility = compatibility_of(node);
  row.limitations = compatibility.limitations;
  const std::string refusal = current ? std::string() : refusal_of(node);
  if (!is_connected(node, now)) {
    row.state = NodeState::Away;
  } else if (!compatibility.fault.empty()) {
    row.state = NodeState::Incompatible;
    row.reason = compatibility.fault;
  } else if (!refusal.empty()) {
    row.state = NodeState::Refused;
    row.reason = refusal;
  } else {
    row.state = current ? NodeState::InSync : NodeState::Behind;
  }
  if (current) {
    behind_since_.erase(row.id);
  } else {
    row.behind_since = behind_since_.try_emplace(row.id, std::min(changed, now)).first->second;
  }
  return row;
}

Json to_json_value(const NodeList& list) {
  Json::Array nodes;
  for (const NodeRow& row : list.rows) {
    nodes.push_back(Json::Object{
        {"id", row.id},
        {"hostname", row.hostname},
        {"ip", row.address},
        {"version", row.version},
        {"config_version", row.config_version},
        {"state", to_string(row.state)},
        {"reason", row.reason},
        {"limitations", row.limitations},
        {"lag_seconds", row.behind_since == 0 ? Json(0) : Json(std::max<std::int64_t>(0, list.now - row.behind_since))},
        {"last_seen", row.last_seen},
        {"certificate_expires", row.certificate_expires ? Json(*row.certificate_expires) : Json()}});
  }
  return Json::Object{{"control_plane", Json::Object{{"id", list.control_plane.id}, {"name", list.control_plane.name}}},
                      {"expected_hash", list.expected_hash},
                      {"nodes", std::move(nodes)}};
}

}  // namespace sluice::cli
