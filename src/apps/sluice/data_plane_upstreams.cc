// SPDX-License-Identifier: Apache-2.0
#include "data_plane_upstreams.h"

#include <string_view>
#include <utility>

#include "control/admin/endpoints.h"
#include "entity/all.h"

namespace sluice::apps {

DataPlaneUpstreams::DataPlaneUpstreams(const Parts& parts, control::admin::RouteTree& tree)
    : applier_(parts.applier),
      store_(parts.catalog),
      nothing_(store_, nullptr, {}),
      parts_{.catalog = parts.catalog,
             .gateway = parts.gateway,
             .settings = parts.settings,
             .store = store_,
             .publisher = nothing_,
             .plugins = {},
             .node = parts.node} {
  add_upstreams(tree, parts_);
}

void DataPlaneUpstreams::refresh() {
  const std::string& hash = applier_.standing().hash;
  if (hash == taken_) return;
  sync::Delta all;
  all.complete = true;
  for (const std::string_view type : {entity::Workspace::kName, entity::Upstream::kName, entity::Target::kName}) {
    const auto rows = applier_.state().rows.types().find(type);
    if (rows == applier_.state().rows.types().end()) continue;
    for (const auto& [id, row] : rows->second) {
      if (row.served != nullptr) all.upserts.push_back({std::string(type), id, row.served, row.workspace});
    }
  }
  store_.apply(all);
  taken_ = hash;
}

}  // namespace sluice::apps
