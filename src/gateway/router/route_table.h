// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/persistent_map.h"
#include "gateway/router/conditions.h"
#include "gateway/router/route.h"
#include "gateway/router/route_index.h"
#include "gateway/router/route_spec.h"

namespace sluice::gateway::router {

/// The route for a request and what it fixed of the path. Borrows from the table.
struct Match {
  const Route* route = nullptr;  // null: no route matched
  const void* target = nullptr;  // Route::target of it
  std::uint32_t entry = 0;
  std::size_t prefix_length = 0;       // octets of the path that the route's prefix or regex covers
  const expr::Regex* regex = nullptr;  // the path regex that matched
  /// A backtracking regex ran into its limits before a route was found, so that the right route is unknown: the
  /// request should be refused, and `route` is null.
  bool too_costly = false;

  explicit operator bool() const { return route != nullptr; }
};

/// Groups of the path regex that matched. Views of the path and of the table.
struct UriCaptures {
  std::vector<std::string_view> unnamed;  // [0] is the whole match; a group that took no part has a null data()
  std::vector<std::pair<std::string_view, std::string_view>> named;
};
UriCaptures captures_of(const Match& match, std::string_view path);

/// All routes of one configuration. Immutable, shared by all shards; with() makes the next generation, which shares
/// structure with this one, so that a change costs what it touches. Matching takes no lock and does not allocate.
class RouteTable {
 public:
  using Ref = std::shared_ptr<const RouteTable>;

  static Ref empty(Flavor flavor);

  /// The table with `removals` taken out and then `upserts` added or replaced. All or nothing: the error lists every
  /// route that does not compile. Unknown removals are ignored.
  [[nodiscard]] std::expected<Ref, std::vector<RouteProblem>> with(std::span<const RouteSpec> upserts,
                                                                   std::span<const Uuid> removals = {}) const;

  /// HTTP requests are matched against HTTP routes, stream sessions against stream routes.
  [[nodiscard]] Match match(const MatchInput& input) const;

  [[nodiscard]] Flavor flavor() const { return flavor_; }
  [[nodiscard]] std::size_t size() const { return routes_.size(); }
  /// Null when there is none.
  [[nodiscard]] const Route* find(const Uuid& id) const;

  /// Calls `visit(const Route&)` for every route, in no useful order.
  template <class Visit>
  void each(Visit&& visit) const {
    for (const auto& entry : routes_) visit(*entry.value);
  }

  /// Use empty() and with().
  explicit RouteTable(Flavor flavor) : flavor_(flavor), regexes_(std::make_shared<expr::RegexCache>()) {}

 private:
  void remove(const Uuid& id);
  RouteIndex& index_of(const Route& route) { return route.stream ? streams_ : requests_; }

  Flavor flavor_;
  PersistentMap<Uuid, Shared<const Route>> routes_;
  RouteIndex requests_;
  RouteIndex streams_;
  std::shared_ptr<expr::RegexCache> regexes_;  // of all generations; used by with() only
};

}  // namespace sluice::gateway::router
