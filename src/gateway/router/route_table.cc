// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/route_table.h"

#include <array>
#include <utility>

namespace sluice::gateway::router {
namespace {

using expr::Protocol;

// The best entry found so far, and the trying of further ones.
class Search {
 public:
  explicit Search(const MatchInput& input) : input_(input) {}

  void try_all(const EntrySet& entries, Known known) {
    entries.each([&](EntryView entry) {
      if (best_ && !goes_before(entry, best_)) return false;  // the rest of the set comes later still
      PathHit hit;
      const bool matches = meets_all(entry, input_, known, hit);
      if (hit.too_costly && !matches && (!unknown_ || goes_before(entry, unknown_))) unknown_ = entry;
      if (!matches) return true;
      best_ = entry;
      hit_ = hit;
      return false;
    });
  }

  [[nodiscard]] Match result() const {
    // An entry that would have won and could not be decided must not let a lesser route answer in its place.
    if (unknown_ && (!best_ || goes_before(unknown_, best_))) return {.too_costly = true};
    return {.route = best_.route,
            .target = best_.target,
            .entry = best_.index,
            .prefix_length = hit_.length,
            .regex = hit_.regex};
  }

 private:
  const MatchInput& input_;
  EntryView best_;
  EntryView unknown_;
  PathHit hit_;
};

}  // namespace

UriCaptures captures_of(const Match& match, std::string_view path) {
  UriCaptures captures;
  if (!match.regex) return captures;
  const bool expression = match.route->rare && match.route->rare->expression;
  captures.unnamed = match.regex->groups(path, expression ? expr::Anchor::None : expr::Anchor::Start);
  for (const auto& [name, number] : match.regex->group_names()) {
    if (number < captures.unnamed.size()) captures.named.emplace_back(name, captures.unnamed[number]);
  }
  return captures;
}

RouteTable::Ref RouteTable::empty(Flavor flavor) {
  return std::make_shared<RouteTable>(flavor);
}

std::expected<RouteTable::Ref, std::vector<RouteProblem>> RouteTable::with(std::span<const RouteSpec> upserts,
                                                                           std::span<const Uuid> removals) const {
  std::vector<Shared<const Route>> compiled;
  std::vector<RouteProblem> problems;
  compiled.reserve(upserts.size());
  for (const RouteSpec& spec : upserts) {
    auto route = Route::compile(spec, flavor_, *regexes_);
    if (route) {
      compiled.push_back(std::move(*route));
    } else {
      for (auto& problem : route.error()) problems.push_back(std::move(problem));
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));

  auto next = std::make_shared<RouteTable>(*this);
  for (const Uuid& id : removals) next->remove(id);
  for (const auto& route : compiled) {
    next->remove(route->id);
    next->index_of(*route).insert(route);
    next->routes_.insert(route->id, route);
  }
  return next;
}

void RouteTable::remove(const Uuid& id) {
  const Shared<const Route>* found = routes_.find(id);
  if (!found) return;
  const Shared<const Route> route = *found;
  index_of(*route).erase(route);
  routes_.erase(id);
}

const Route* RouteTable::find(const Uuid& id) const {
  const Shared<const Route>* found = routes_.find(id);
  return found ? found->get() : nullptr;
}

Match RouteTable::match(const MatchInput& input) const {
  Search search(input);
  const auto visit = [&](const EntrySet& entries, bool named, std::size_t length) {
    search.try_all(entries, {.name = named, .prefix = length});
  };
  if (input.protocol == Protocol::Http || input.protocol == Protocol::Https) {
    requests_.each_candidate(input.host, input.path, input.headers, visit);
  } else {
    // Port, then address; see stream_key().
    std::array<char, 18> key{static_cast<char>(input.dst_port >> 8), static_cast<char>(input.dst_port & 0xFF)};
    const auto& address = input.dst_ip.mapped_octets();
    for (std::size_t i = 0; i < address.size(); ++i) key[i + 2] = static_cast<char>(address[i]);
    streams_.each_candidate(input.sni, {key.data(), key.size()}, nullptr, visit);
  }
  return search.result();
}

}  // namespace sluice::gateway::router
