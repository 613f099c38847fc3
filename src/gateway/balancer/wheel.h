// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::gateway {

/// Each index as often as its weight (divided by the common divisor), spread evenly: at every step the one that lags
/// most behind its share is next. Deterministic, so that tests and people can predict it. Empty when nothing has any
/// weight; of a very long one the first part.
std::vector<std::uint16_t> make_wheel(const std::vector<int>& weights);

}  // namespace sluice::gateway
