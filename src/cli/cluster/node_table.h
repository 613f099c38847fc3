// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cli/cluster/node_list.h"

namespace sluice::cli {

struct TableStyle {
  bool colour = false;
  std::size_t width = 0;  // columns of the terminal, lines are cut there; 0: never
  std::size_t lines = 0;  // of the terminal; 0: any number
  std::int64_t age = 0;   // of the list, in seconds, where it is not of now
};

/// A line per data plane below a headline and a summary above both.
[[nodiscard]] std::string node_table(const NodeList& list, const TableStyle& style);

/// "3s", "12m", "5h", "8d": how long, as short as a column is.
[[nodiscard]] std::string short_duration(std::int64_t seconds);

}  // namespace sluice::cli
