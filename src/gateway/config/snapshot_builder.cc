// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/snapshot_builder.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "gateway/config/edit.h"

namespace sluice::gateway {
namespace {

/// Reduces a complete configuration to what differs from `base`.
sync::Delta difference(const Snapshot& base, sync::Delta complete) {
  sync::Delta delta;
  delta.hash = std::move(complete.hash);
  std::map<std::string, std::vector<Uuid>, std::less<>> named;
  for (sync::EntityRow& row : complete.upserts) {
    if (!base.rows.empty()) named[row.type].push_back(row.id);
    auto rows = base.rows.find(row.type);
    const auto* present = rows != base.rows.end() ? rows->second.find(row.id) : nullptr;
    const bool same = present != nullptr && present->workspace == row.workspace &&
                      (present->document == row.document || *present->document == *row.document);
    if (!same) delta.upserts.push_back(std::move(row));
  }
  for (auto& [type, ids] : named) std::ranges::sort(ids);
  for (const auto& [type, rows] : base.rows) {
    auto kept = named.find(type);
    for (const auto& entry : rows) {
      if (kept == named.end() || !std::ranges::binary_search(kept->second, entry.key))
        delta.removals.push_back({type, entry.key});
    }
  }
  return delta;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(const entity::Catalog& catalog, const PluginRegistry& plugins, router::Flavor flavor)
    : catalog_(catalog), plugins_(plugins), flavor_(flavor) {}

Snapshot::Ref SnapshotBuilder::empty() const {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->routes = router::RouteTable::empty(flavor_);
  snapshot->hash = std::string(32, '0');
  return snapshot;
}

std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> SnapshotBuilder::build(const Snapshot& base,
                                                                                      sync::Delta delta) const {
  Edit edit(catalog_, plugins_, base);
  if (delta.complete) {
    delta = difference(base, std::move(delta));
  } else {
    edit.be_strict_about_protocols();
  }
  edit.name(delta.hash);
  for (const sync::EntityKey& key : delta.removals) edit.remove(key);
  // Vaults and partials first: what takes values of them would have to be made twice. Upstreams before their targets,
  // which are a part of them: rows come in any order, as a store or a data plane has kept them.
  const auto gives = [](const sync::EntityRow& row) {
    return row.type == "vaults" || row.type == "partials" || row.type == "upstreams";
  };
  for (sync::EntityRow& row : delta.upserts) {
    if (gives(row)) edit.upsert(row);
  }
  for (sync::EntityRow& row : delta.upserts) {
    if (!gives(row)) edit.upsert(std::move(row));
  }
  return edit.finish();
}

}  // namespace sluice::gateway
