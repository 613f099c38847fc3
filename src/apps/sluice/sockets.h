// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
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
  std::vector<std::vector<int>> proxy;    // of each listener: one per shard
  std::vector<std::vector<int>> quic;     // likewise, for datagrams; of listeners without http3 there are none
  std::vector<std::vector<int>> streams;  // likewise, of stream_listen; some are for UDP
  std::vector<int> admin;
  std::vector<int> status;
  std::vector<int> gui;      // of the platform API; none on a node without a store
  std::vector<int> cluster;  // of the cluster endpoint; none where it serves no cluster

  /// All or none. The error names the address. Sockets of `open_ones` that listen on an address of the settings are
  /// taken instead of new ones, so that nobody who waits there is lost; all others of them are closed, also on failure.
  static Result<ListeningSockets> open(const settings::Settings& settings, std::size_t shards,
                                       ListeningSockets open_ones = {});
  /// What to_json() gave, in the process that inherited the descriptors; they are closed on exec again. With
  /// `descriptors`, numbers are places in that list.
  static Result<ListeningSockets> inherited(const Json& json, std::span<const int> descriptors = {});

  [[nodiscard]] Json to_json() const;
  /// With descriptors replaced by their places in all().
  [[nodiscard]] ListeningSockets as_places() const;
  [[nodiscard]] std::vector<int> all() const;
  void close();
};

/// Whether the platform API is served. Only what keeps a configuration can be more than one control plane.
bool has_platform(const settings::Settings& settings);
/// Whether data planes may come.
bool has_cluster(const settings::Settings& settings);
/// How many shards the settings ask for.
std::size_t shard_count(const settings::Settings& settings);
/// What each shard may have of `whole`, which is at least one; of nothing, which means no limit, nothing.
std::uint32_t share_of_shard(std::uint32_t whole, std::size_t shards);

}  // namespace sluice::apps
