// SPDX-License-Identifier: Apache-2.0
#include "cluster/mirror.h"

namespace sluice::bench {

void Mirror::take(const sync::wire::Push& push, sync::wire::ReadDeltas rows) {
  const auto to = sync::parse_wire_version(push.to);
  if (!to) {
    ++wrong_;
    return;
  }
  if (push.full) {
    if (push.part == 0) clear();
  } else {
    // What brings a node that was away up to here says nothing new.
    if (*to <= version_) return;
    const auto from = sync::parse_wire_version(push.from);
    if (!from || *from != version_) return;
  }
  for (const sync::EntityKey& key : rows.removals) remove({key.type, key.id});
  for (sync::EntityRow& row : rows.upserts) put(std::move(row));
  if (push.full && push.part + 1 < push.parts) return;
  if (digest_.text() != push.hash) ++wrong_;
  version_ = *to;
  hash_ = push.hash;
}

void Mirror::put(sync::EntityRow row) {
  const Key key{row.type, row.id};
  remove(key);
  digest_.add(row);
  rows_.emplace(key, std::move(row));
}

void Mirror::remove(const Key& key) {
  const auto known = rows_.find(key);
  if (known == rows_.end()) return;
  digest_.remove(known->second);
  rows_.erase(known);
}

void Mirror::clear() {
  rows_.clear();
  digest_ = {};
}

}  // namespace sluice::bench
