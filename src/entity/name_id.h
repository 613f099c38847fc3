// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace sluice::entity {

/// The ids that entities of declarative files get when the file gives none: version 5 UUIDs of their keys, so that the
/// same file makes the same ids everywhere, and the same as Kong's. reference/gateway.md, 2.5.
class NameIds {
 public:
  /// Those of a workspace other than the default one are told apart from its by the workspace's id: two workspaces may
  /// give the same names. (The ecosystem's files know the default one only.)
  explicit NameIds(const Uuid& workspace = {}) : workspace_(workspace) {}

  /// `type` is the DAO name, `key` the endpoint key or the columns of the cache key.
  Uuid id(std::string_view type, std::string_view key);

 private:
  Uuid workspace_;
  std::map<std::string, Uuid, std::less<>> spaces_;
};

}  // namespace sluice::entity
