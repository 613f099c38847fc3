// SPDX-License-Identifier: Apache-2.0
#include "control/admin/data_plane_metrics.h"

#include <chrono>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "base/time.h"

namespace sluice::control::admin {
namespace {

using cluster::NodeBook;
using cluster::NodeRecord;
using cluster::SyncStatus;

/// A label with its value escaped; nodes say their own names.
void append_label(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') out += ',';
  out.append(name).append("=\"");
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out.append(c == '\n' ? std::string_view("\\n") : std::string_view(&c, 1));
  }
  out += '"';
}

/// A digest as Kong's exporter shows it: the number that its hexadecimal digits are, as far as a double holds it. With
/// protocol 2 a node of Kong says a version instead.
double as_number(std::string_view hash) {
  constexpr std::string_view kVersion = "v02_";
  if (hash.starts_with(kVersion)) hash.remove_prefix(kVersion.size());
  constexpr int kBase = 16;
  constexpr int kAfterNine = 10;
  double number = 0;
  for (const char c : hash) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + kAfterNine : -1;
    if (digit < 0) return std::nan("");  // no digest of ours; any text of the length is legal
    number = number * kBase + digit;
  }
  return number;
}

double seen_seconds(const NodeRecord& node) {
  return static_cast<double>(std::chrono::duration_cast<Seconds>(node.last_seen.time_since_epoch()).count());
}

double is_compatible(const NodeRecord& node) {
  const bool incompatible = node.sync_status == SyncStatus::VersionIncompatible ||
                            node.sync_status == SyncStatus::PluginSetIncompatible ||
                            node.sync_status == SyncStatus::PluginVersionIncompatible;
  return incompatible ? 0 : 1;
}

/// What stands behind the labels that all families have.
struct Extra {
  std::string_view name;
  std::string value;
};

/// A control plane's nodes, listed once for all families.
struct Listed {
  const std::string& control_plane;
  const NodeBook& book;
  std::vector<const NodeRecord*> nodes;
};

template <class Value, class More>
void append_family(std::string& out, const std::vector<Listed>& listed, std::string_view name, std::string_view help,
                   const Value& value_of, const More& more) {
  out += fmt::format("# HELP {} {}\n# TYPE {} gauge\n", name, help, name);
  for (const auto& [control_plane, book, nodes] : listed) {
    for (const NodeRecord* node : nodes) {
      out.append(name).append("{");
      append_label(out, "node_id", node->peer.node_id.to_string());
      append_label(out, "hostname", node->peer.hostname);
      append_label(out, "ip", node->ip);
      const Extra extra = more(control_plane, *node);
      if (!extra.name.empty()) append_label(out, extra.name, extra.value);
      const double value = value_of(book, *node);
      out += std::isnan(value) ? std::string("} NaN\n") : fmt::format("}} {:.14g}\n", value);
    }
  }
}

}  // namespace

std::string data_plane_metrics(const NodeBooks& books) {
  std::string out;
  std::vector<Listed> listed;
  for (const auto& [control_plane, book] : books) {
    auto nodes = book->list();
    if (!nodes.empty()) listed.push_back({control_plane, *book, std::move(nodes)});
  }
  if (listed.empty()) return out;
  const auto nothing = [](const std::string&, const NodeRecord&) { return Extra{}; };
  const auto version = [](const std::string&, const NodeRecord& node) {
    return Extra{"kong_version", node.peer.kong_version};
  };
  const auto owner = [](const std::string& control_plane, const NodeRecord&) {
    return Extra{"control_plane", control_plane};
  };
  append_family(
      out, listed, "kong_data_plane_config_hash", "The digest of what the node serves, as a number.",
      [](const NodeBook&, const NodeRecord& node) { return as_number(node.config_hash); }, nothing);
  append_family(
      out, listed, "kong_data_plane_last_seen", "When the node was last heard of, Unix seconds.",
      [](const NodeBook&, const NodeRecord& node) { return seen_seconds(node); }, nothing);
  append_family(
      out, listed, "kong_data_plane_version_compatible",
      "0 where the node is sent nothing because of its version or its plugins.",
      [](const NodeBook&, const NodeRecord& node) { return is_compatible(node); }, version);
  append_family(
      out, listed, "sluice_data_plane_in_sync", "Whether the node serves what it should and was heard of lately.",
      [](const NodeBook& book, const NodeRecord& node) { return cluster::in_sync(node, book) ? 1.0 : 0.0; }, owner);
  return out;
}

}  // namespace sluice::control::admin
