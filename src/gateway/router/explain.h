// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/router/route_table.h"

namespace sluice::gateway::router {

/// What became of one entry of a route when a request was matched.
struct Candidate {
  enum class Outcome : std::uint8_t { Matched, LowerPriority, NotMet };

  const Route* route = nullptr;  // borrows from the table
  std::uint32_t entry = 0;
  Outcome outcome = Outcome::NotMet;
  Attribute failed = Attribute::Protocol;  // of NotMet
  std::string reason;                      // one line for people
};

/// The entries that match and those that miss by a single attribute, in the order in which the table prefers them, at
/// most `limit`; the winner is always among them. Looks at every route: for people, not for requests.
std::vector<Candidate> explain(const RouteTable& table, const MatchInput& input, std::size_t limit = 20);

}  // namespace sluice::gateway::router
