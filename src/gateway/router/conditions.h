// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/router/route.h"

namespace sluice::gateway::router {

/// What a route may demand, in the order of cost.
enum class Attribute : std::uint8_t {
  Protocol,
  Methods,
  Hosts,
  Paths,
  Headers,
  Snis,
  Sources,
  Destinations,
  Expression,
};
inline constexpr std::size_t kAttributeCount = 9;
/// The member of the route entity: "methods", "hosts", ...
std::string_view to_string(Attribute attribute);

/// How much of the path an entry fixed.
struct PathHit {
  std::size_t length = 0;
  const expr::Regex* regex = nullptr;
  bool too_costly = false;  // a backtracking pattern ran into its limits: whether it matches is unknown
};

/// What the index has already established for an entry.
struct Known {
  bool name = false;       // one of the hosts matches, ports aside
  std::size_t prefix = 0;  // the plain path of this length matches; 0: nothing is known
};

/// Whether one demand of the entry is met; Paths and Expression also fill `hit`.
bool meets(EntryView entry, Attribute attribute, const MatchInput& input, PathHit& hit);

/// Whether all demands are met. Does not allocate.
bool meets_all(EntryView entry, const MatchInput& input, Known known, PathHit& hit);

}  // namespace sluice::gateway::router
