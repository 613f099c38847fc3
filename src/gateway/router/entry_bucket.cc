// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/entry_bucket.h"

namespace sluice::gateway::router {

void EntryBucket::insert(const Shared<const Route>& route, std::uint32_t index, HeaderValues required) {
  if (required.empty()) any_.insert(route, index);
  for (const auto& header : required) {
    by_header_.update(header.name, [&](ByValue& by_value) {
      by_value.update(header.value, [&](EntrySet& entries) { entries.insert(route, index); });
    });
  }
}

void EntryBucket::erase(EntryView entry, HeaderValues required) {
  if (required.empty()) any_.erase(entry);
  for (const auto& header : required) {
    bool last_value = false;
    by_header_.update(header.name, [&](ByValue& by_value) {
      bool last_entry = false;
      by_value.update(header.value, [&](EntrySet& entries) {
        entries.erase(entry);
        last_entry = entries.empty();
      });
      if (last_entry) by_value.erase(header.value);
      last_value = by_value.empty();
    });
    if (last_value) by_header_.erase(header.name);
  }
}

}  // namespace sluice::gateway::router
