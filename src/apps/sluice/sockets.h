// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "settings/settings.h"

namespace sluice::apps {

/// Every listening socket of the node, in the order of the settings. The supervisor opens them and keeps them; a worker
/// gets them by number and takes its descriptors from there.
struct ListeningSockets {
  std::vector<std::vector<int>> proxy;  // of each listener: one per shard
  std::vector<int> admin;
  std::vector<int> status;
  std::vector<int> gui;      // of the platform API; none on a node without a store
  std::vector<int> cluster;  // of the cluster endpoint; none where it serves no cluster

  /// All or none. The error names the address.
  static Result<ListeningSockets> open(const settings::Settings& settings, std::size_t shards);
  /// What to_json() gave, in the process that inherited the descriptors; they are closed on exec again.
  static Result<ListeningSockets> inherited(const Json& json);

  [[nodiscard]] Json to_json() const;
  [[nodiscard]] std::vector<int> all() const;
  void close();
};

/// How many shards the settings ask for.
std::size_t shard_count(const settings::Settings& settings);

}  // namespace sluice::apps
