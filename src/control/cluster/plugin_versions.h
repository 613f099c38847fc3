// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "store/memory_store.h"
#include "sync/wire/peer.h"
#include "sync/wire/projection.h"

namespace sluice::control::cluster {

/// Versions of plugins, by name.
using PluginVersions = std::map<std::string, std::string>;

/// A plugin that a node has in another version than we do.
struct OtherPluginVersion {
  std::string name;
  std::string ours;
  std::string theirs;
  bool incompatible = false;  // another major version, or a newer one: reference/gateway.md, 8.4
};

/// Those of a node that are worth a word. What comes with a product has its version, and is judged with it: it shows
/// only where it is incompatible. Empty also for nodes that do not say what they have.
[[nodiscard]] std::vector<OtherPluginVersion> other_versions(const sync::wire::Peer& peer, const PluginVersions& ours);

/// What that means for a configuration: an issue for each that it uses. With one of severity Error the node is sent
/// nothing.
[[nodiscard]] std::vector<sync::wire::CompatibilityIssue> version_issues(const std::vector<OtherPluginVersion>& others,
                                                                         const store::MemoryStore& store);

}  // namespace sluice::control::cluster
