// SPDX-License-Identifier: Apache-2.0
#include "gateway/plugin.h"

#include <algorithm>

#include "base/assert.h"

namespace sluice::gateway {

void PluginRegistry::add(PluginDescriptor descriptor) {
  auto owned = std::make_unique<PluginDescriptor>(std::move(descriptor));
  const PluginDescriptor* added = owned.get();
  const bool is_new = by_name_.emplace(added->name, std::move(owned)).second;
  SLUICE_ASSERT(is_new);
  auto place = std::lower_bound(order_.begin(), order_.end(), added, [](const auto* a, const auto* b) {
    return a->priority != b->priority ? a->priority > b->priority : a->name > b->name;
  });
  order_.insert(place, added);
}

const PluginDescriptor* PluginRegistry::find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found != by_name_.end() ? found->second.get() : nullptr;
}

}  // namespace sluice::gateway
