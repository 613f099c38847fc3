// SPDX-License-Identifier: Apache-2.0
#include "dataplane/row_table.h"

#include <utility>

namespace sluice::dataplane {

void RowTable::put(const std::string& type, const Uuid& id, HeldRow row) {
  Rows& rows = types_[type];
  if (const HeldRow* before = rows.find(id)) {
    digest_.remove(type, id, before->workspace, *before->received);
  } else {
    ++size_;
  }
  digest_.add(type, id, row.workspace, *row.received);
  rows.insert(id, std::move(row));
}

bool RowTable::erase(std::string_view type, const Uuid& id) {
  const auto rows = types_.find(type);
  if (rows == types_.end()) return false;
  const HeldRow* before = rows->second.find(id);
  if (before == nullptr) return false;
  digest_.remove(type, id, before->workspace, *before->received);
  rows->second.erase(id);
  if (rows->second.empty()) types_.erase(rows);
  --size_;
  return true;
}

const HeldRow* RowTable::find(std::string_view type, const Uuid& id) const {
  const auto rows = types_.find(type);
  return rows != types_.end() ? rows->second.find(id) : nullptr;
}

}  // namespace sluice::dataplane
