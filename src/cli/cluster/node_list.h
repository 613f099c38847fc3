// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sluice::cli {

/// How a data plane stands; in the order of what wants a look first.
enum class NodeState : std::uint8_t { Refused, Incompatible, Behind, Away, InSync };
[[nodiscard]] std::string_view to_string(NodeState state);

/// A data plane as people want to see it. Times in seconds since 1970.
struct NodeRow {
  std::string id;
  std::string hostname;
  std::string address;  // that its link comes from
  std::string labels;   // "region:eu-1,team:shop"
  std::string version;  // with its product, "sluice 0.1.0"
  std::string config_version;
  NodeState state = NodeState::Away;
  std::string reason;             // of Refused and Incompatible
  std::size_t limitations = 0;    // what it serves without, as its version does not know it
  std::int64_t behind_since = 0;  // 0: it serves what it should
  std::int64_t last_seen = 0;
  std::optional<std::int64_t> certificate_expires;
};

struct PlaneName {
  std::string id;
  std::string name;
};

/// All data planes of a control plane at one moment.
struct NodeList {
  PlaneName control_plane;
  std::string expected_hash;
  std::int64_t now = 0;
  std::vector<NodeRow> rows;  // by state, then by host

  [[nodiscard]] std::size_t count(NodeState state) const;
};

/// Makes lists of what a platform API says, and remembers between two since when a node has been behind: the API only
/// tells when the configuration changed last.
class NodeReader {
 public:
  /// `nodes` and `expected` as /nodes and /expected-config-hash show them.
  NodeList read(PlaneName control_plane, const Json::Array& nodes, const Json& expected, std::int64_t now);

 private:
  NodeRow read_row(const Json& node, const std::string& expected_hash, std::int64_t changed, std::int64_t now);

  std::map<std::string, std::int64_t> behind_since_;  // by id
};

/// {"control_plane": {"id", "name"}, "expected_hash", "nodes": [{..}]}
[[nodiscard]] Json to_json_value(const NodeList& list);

}  // namespace sluice::cli
