// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/persistent_map.h"
#include "base/strings.h"
#include "expr/requirements.h"
#include "gateway/router/entry_set.h"

namespace sluice::gateway::router {

/// The entries filed under one name and one path. Those that require a certain header value are kept by that value,
/// so that ten thousand tenants told apart by a header cost one look-up. Persistent like EntrySet.
class EntryBucket {
 public:
  using HeaderValues = std::span<const expr::HeaderValue>;

  [[nodiscard]] bool empty() const { return any_.empty() && by_header_.empty(); }

  /// `required`: values of which the entry demands one; none: it demands no particular header.
  void insert(const Shared<const Route>& route, std::uint32_t index, HeaderValues required);
  /// With the same `required` as at insertion.
  void erase(EntryView entry, HeaderValues required);

  /// Calls `visit(const EntrySet&)` for the sets whose required value, if any, the request carries.
  template <class Visit>
  void each_set(const expr::HeaderSource* headers, Visit&& visit) const {
    if (!by_header_.empty() && headers) visit_by_header(*headers, visit);
    if (!any_.empty()) visit(any_);
  }

 private:
  using ByValue = PersistentMap<std::string, EntrySet>;

  template <class Visit>
  void visit_by_header(const expr::HeaderSource& headers, Visit& visit) const {
    thread_local std::string lower;  // keeps its memory from request to request
    for (const auto& [name, by_value] : by_header_) {
      std::size_t n = 0;
      while (const auto value = headers.value(name, n++)) {
        lower.resize(value->size());
        std::ranges::transform(*value, lower.begin(), ascii_lower);
        if (const EntrySet* entries = by_value.find(std::string_view(lower))) visit(*entries);
      }
    }
  }

  EntrySet any_;
  PersistentMap<std::string, ByValue> by_header_;
};

}  // namespace sluice::gateway::router
