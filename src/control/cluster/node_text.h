// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "control/cluster/node_book.h"

namespace sluice::control::cluster {

/// A record as it is written down, and back. A record of another release lacks what it does not know.
Json to_json_value(const NodeRecord& node);
Result<NodeRecord> read_node(const Json& json);
/// A number that is another one when a record has to be written down again: of all in it but what a connected node's
/// process says of all its nodes at once, see Roll.
std::uint64_t fingerprint_of(const NodeRecord& node);
/// Cuts a record to what is worth keeping of it: well below 50 kB, whatever the node says of itself.
void keep_small(NodeRecord& node);

/// What a process says, again and again, of the nodes that are connected to it.
struct Roll {
  static constexpr std::size_t kMostBehind = 1'000;

  store::SysTime at;  // until then they have been heard of
  store::Version version;
  std::string hash;                      // of the configuration that all of them serve,
  std::optional<std::set<Uuid>> behind;  // but for these; nothing: too many to tell
};
std::string to_text(const Roll& roll);
Result<Roll> read_roll(std::string_view text);

/// {code, severity, description, resolution, affected_resources[{type,id}]}.
Json to_json_value(const sync::wire::CompatibilityIssue& issue);

}  // namespace sluice::control::cluster
