// SPDX-License-Identifier: Apache-2.0
#include "store/index.h"

#include <algorithm>

#include "store/member.h"

namespace sluice::store {

std::vector<std::string> Index::keys(const std::vector<std::string>& members, std::string_view document) {
  if (members.size() == 1) return member_texts(document, members.front());
  std::string key;
  for (const auto& member : members) {
    key += raw_member(document, member);
    key += '\n';  // stands in no compact document
  }
  return {std::move(key)};
}

void Index::add(const Uuid& id, std::string_view document) {
  for (auto& key : keys(members_, document)) {
    Ids& ids = entries_[std::move(key)];
    const auto at = std::ranges::lower_bound(ids, id);
    if (at == ids.end() || *at != id) ids.insert(at, id);
  }
}

void Index::remove(const Uuid& id, std::string_view document) {
  for (const auto& key : keys(members_, document)) {
    const auto entry = entries_.find(key);
    if (entry == entries_.end()) continue;
    const auto at = std::ranges::lower_bound(entry->second, id);
    if (at != entry->second.end() && *at == id) entry->second.erase(at);
    if (entry->second.empty()) entries_.erase(entry);
  }
}

const Ids* Index::find(std::string_view text) const {
  const auto at = entries_.find(text);
  return at != entries_.end() ? &at->second : nullptr;
}

}  // namespace sluice::store
