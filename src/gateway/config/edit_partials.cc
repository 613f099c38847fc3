// SPDX-License-Identifier: Apache-2.0
// Plugins of a generation that take values of partials.
#include <algorithm>

#include "entity/partial_link.h"
#include "gateway/config/edit.h"

namespace sluice::gateway {

/// Of that workspace. Many plugins may take values of one: it is parsed once.
std::optional<Json> Edit::find_partial(const Uuid& workspace, const Uuid& id) {
  const auto rows = next_->rows.find("partials");
  const StoredRow* row = rows != next_->rows.end() ? rows->second.find(id) : nullptr;
  if (row == nullptr || row->workspace != workspace) return std::nullopt;
  auto& [document, parsed] = parsed_partials_[id];
  if (document != row->document) {
    document = row->document;
    auto read = parse_json(*document);
    parsed = read ? *std::move(read) : Json();
  }
  return parsed.is_object() ? std::optional(parsed) : std::nullopt;
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
  std::set<Uuid> made;
  for (const auto& row : plugins_written_) made.insert(row->identity.id);
  const Remaking remaking(*this);
  for (const auto& entry : linked) {
    if (made.contains(entry.key)) continue;
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
