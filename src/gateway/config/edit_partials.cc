// SPDX-License-Identifier: Apache-2.0
// Plugins of a generation that take values of partials.
#include <algorithm>

#include "entity/partial_link.h"
#include "gateway/config/edit.h"

namespace sluice::gateway {

std::optional<Json> Edit::find_partial(const Uuid& id) const {
  const auto rows = next_->rows.find("partials");
  const StoredRow* row = rows != next_->rows.end() ? rows->second.find(id) : nullptr;
  auto parsed = row != nullptr ? parse_json(*row->document) : Result<Json>(Json());
  return parsed && parsed->is_object() ? std::optional(*std::move(parsed)) : std::nullopt;
}

/// Remembers whether the plugin takes values of partials.
void Edit::note_links(const Change& plugin) {
  if (plugin.after != nullptr && !entity::partial_links(*plugin.after).empty()) {
    next_->linked_plugins.insert(plugin.id, true);
  } else {
    next_->linked_plugins.erase(plugin.id);
  }
}

/// A partial came, went or changed: the plugins that it gives values to are made anew, but for those that the same
/// change has made already.
void Edit::remake_linked_plugins() {
  const PersistentMap<Uuid, bool> linked = next_->linked_plugins;
  for (const auto& entry : linked) {
    const auto made = [&](const Shared<const PluginConfig>& row) { return row->identity.id == entry.key; };
    if (std::ranges::any_of(plugins_changed_, made)) continue;
    const StoredRow row = *next_->rows["plugins"].find(entry.key);
    auto parsed = parse_json(*row.document);
    if (!parsed) continue;
    const auto links = entity::partial_links(*parsed);
    const auto touched = [&](const entity::PartialLink& link) { return partials_changed_.contains(link.id); };
    if (std::ranges::none_of(links, touched)) continue;
    current_ = row.document;
    apply({"plugins", entry.key}, &*parsed, row.workspace);
  }
}

}  // namespace sluice::gateway
