// SPDX-License-Identifier: Apache-2.0
#include "net/quic/farewells.h"

#include <utility>

namespace sluice::net::quic {

void Farewells::drop_front() {
  const Farewell& oldest = *oldest_first_.front();
  for (const std::string& id : oldest.ids) {
    const auto entry = by_id_.find(id);
    if (entry != by_id_.end() && entry->second == &oldest) by_id_.erase(entry);
  }
  oldest_first_.pop_front();
}

/// They end in about the order in which they began; one that lasts longer keeps those behind it for a while.
void Farewells::drop_old(std::int64_t now_ms) {
  while (!oldest_first_.empty() && oldest_first_.front()->until_ms <= now_ms) drop_front();
}

void Farewells::add(std::vector<std::string> ids, std::string_view words, std::int64_t until_ms) {
  if (oldest_first_.size() >= kMost) drop_front();
  auto& made = *oldest_first_.emplace_back(std::make_unique<Farewell>());
  made.words = words;
  made.until_ms = until_ms;
  for (const std::string& id : ids) by_id_[id] = &made;
  made.ids = std::move(ids);
}

Farewells::Farewell* Farewells::find(std::string_view id, std::int64_t now_ms) {
  drop_old(now_ms);
  const auto entry = by_id_.find(id);
  if (entry == by_id_.end() || entry->second->until_ms <= now_ms) return nullptr;
  return entry->second;
}

}  // namespace sluice::net::quic
