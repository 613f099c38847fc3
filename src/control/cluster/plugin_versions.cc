// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/plugin_versions.h"

#include <fmt/format.h>

#include "entity/plugin.h"

namespace sluice::control::cluster {
namespace {

using sync::wire::CompatibilityIssue;
using sync::wire::ProductVersion;

constexpr std::size_t kMostAffected = 100;

/// Whether the plugin came with the product: then it has the product's version.
bool is_bundled(const ProductVersion& plugin, const sync::wire::Peer& peer) {
  const auto product = sync::wire::parse_product_version(peer.kong_version);
  return product && plugin == *product;
}

CompatibilityIssue issue_of(const OtherPluginVersion& other) {
  CompatibilityIssue issue;
  issue.code = "PLUGIN_VERSION:" + other.name;
  issue.severity = other.incompatible ? CompatibilityIssue::Severity::Error : CompatibilityIssue::Severity::Warning;
  issue.description =
      fmt::format("The data plane has the plugin {} in version {}, {} version {} of the control plane.", other.name,
                  other.theirs, other.incompatible ? "which cannot take what is meant for" : "older than", other.ours);
  issue.resolution = fmt::format("Install version {} of the plugin on the data plane.", other.ours);
  return issue;
}

}  // namespace

std::vector<OtherPluginVersion> other_versions(const sync::wire::Peer& peer, const PluginVersions& ours) {
  std::vector<OtherPluginVersion> others;
  if (!peer.plugins) return others;
  for (const auto& [name, text] : *peer.plugins) {
    const auto own = ours.find(name);
    if (own == ours.end() || own->second == text) continue;
    const auto here = sync::wire::parse_product_version(own->second);
    const auto there = sync::wire::parse_product_version(text);
    if (!here || !there) continue;  // no numbers to compare
    const bool incompatible = there->major != here->major || there->minor > here->minor;
    if (!incompatible && (*there >= *here || is_bundled(*there, peer))) continue;
    others.push_back({name, own->second, text, incompatible});
  }
  return others;
}

std::vector<CompatibilityIssue> version_issues(const std::vector<OtherPluginVersion>& others,
                                               const store::MemoryStore& store) {
  std::vector<CompatibilityIssue> issues;
  for (const OtherPluginVersion& other : others) {
    CompatibilityIssue issue = issue_of(other);
    for (const auto& [workspace, space] : store.spaces()) {
      const auto* rows = space.table(entity::Plugin::kName).find_all("name", other.name);
      if (rows == nullptr) continue;
      for (const Uuid& id : *rows) {
        if (issue.affected.size() < kMostAffected) issue.affected.emplace_back(entity::Plugin::kName, id);
      }
    }
    if (!issue.affected.empty()) issues.push_back(std::move(issue));
  }
  return issues;
}

}  // namespace sluice::control::cluster
