// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/wheel.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace sluice::gateway {
namespace {

constexpr std::size_t kLargestWheel = 10'000;

}  // namespace

std::vector<std::uint16_t> make_wheel(const std::vector<int>& weights) {
  int divisor = 0;
  for (int weight : weights) divisor = std::gcd(divisor, weight);
  std::vector<std::uint16_t> wheel;
  if (divisor == 0) return wheel;
  std::size_t total = 0;
  for (int weight : weights) total += static_cast<std::size_t>(weight / divisor);
  const std::size_t size = std::min(total, kLargestWheel);
  std::vector<std::int64_t> credit(weights.size(), 0);
  wheel.reserve(size);
  for (std::size_t step = 0; step < size; ++step) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      credit[i] += weights[i] / divisor;
      if (credit[i] > credit[best]) best = i;
    }
    credit[best] -= static_cast<std::int64_t>(total);
    wheel.push_back(static_cast<std::uint16_t>(best));
  }
  return wheel;
}

}  // namespace sluice::gateway
