// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "base/json.h"
#include "control/planes/plane_profile.h"
#include "control/platform/parts.h"
#include "control/platform/problem.h"

namespace sluice::control::platform {

/// A control plane as the platform API shows it.
Json show(const Parts& parts, const planes::PlaneProfile& profile);

/// The part of a collection that `page[size]` and `page[number]` ask for, or the reply to a query that is wrong.
struct PageNumber {
  std::size_t size = 10;
  std::size_t number = 1;
  static std::expected<PageNumber, Reply> parse(const admin::Query& query);
};
/// The same for `page[size]` and `page[after]`, where the mark is the id of the last one seen.
struct PageAfter {
  std::size_t size = 100;
  std::string after;
  static std::expected<PageAfter, Reply> parse(const admin::Query& query);
};

/// The list's part of control planes that a query asks for: filters, labels, order and page.
Reply list_planes(const Parts& parts, const admin::Query& query);

}  // namespace sluice::control::platform
