// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/type_order.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "entity/catalog.h"

namespace sluice::sync::wire {
namespace {

using Ranks = std::map<std::string, std::size_t, std::less<>>;

/// The catalog's own order, which does not depend on the plugins that are installed.
const Ranks& ranks() {
  static const Ranks kRanks = [] {
    const entity::Catalog catalog{entity::PluginSchemas()};
    Ranks made;
    for (const auto& type : catalog.types()) made.emplace(type->name(), made.size());
    return made;
  }();
  return kRanks;
}

std::size_t rank(std::string_view type) {
  const auto at = ranks().find(type);
  return at != ranks().end() ? at->second : ranks().size();
}

/// In the order that `place` gives to types, equal ones in the order in which they came.
template <class T, class Place>
std::vector<const T*> sorted(std::span<const T> items, Place place) {
  std::vector<std::pair<std::size_t, const T*>> placed;  // addresses rise as the span does
  placed.reserve(items.size());
  for (const T& item : items) placed.emplace_back(place(item.type), &item);
  std::ranges::sort(placed);
  std::vector<const T*> result;
  result.reserve(items.size());
  for (const auto& [at, item] : placed) result.push_back(item);
  return result;
}

}  // namespace

std::vector<const EntityRow*> parents_first(std::span<const EntityRow> rows) {
  return sorted(rows, rank);
}

std::vector<const EntityKey*> children_first(std::span<const EntityKey> keys) {
  return sorted(keys, [](std::string_view type) { return ranks().size() - rank(type); });
}

}  // namespace sluice::sync::wire
