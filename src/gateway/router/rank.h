// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/router/route_spec.h"

namespace sluice::gateway::router {

/// Decides between entries that match the same request: the larger one wins, compared from `high` to `low`. Entries of
/// equal rank are decided by age and id.
struct Rank {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Rank&, const Rank&) = default;
};

/// The paths that one entry of a route stands for.
struct PathGroup {
  bool regex = false;
  std::vector<std::string> paths;  // without the `~` of a regex; of equal length if plain; empty: the route has none
};

/// Splits the paths of a route into entries. traditional: one entry per path; else all regexes together and plain
/// paths by equal length, longest first. A route without paths has one entry.
std::vector<PathGroup> group_paths(const RouteSpec& spec, Flavor flavor);

/// Whether the route serves streams (tcp, tls, udp, tls_passthrough) and not HTTP.
bool is_stream(const RouteSpec& spec);

Rank rank_of(const RouteSpec& spec, const PathGroup& group, Flavor flavor);

/// The `priority` that flavors traditional_compatible and expressions compute, reference section 4.3.
std::uint64_t compatible_priority(const RouteSpec& spec, const PathGroup& group);

}  // namespace sluice::gateway::router
