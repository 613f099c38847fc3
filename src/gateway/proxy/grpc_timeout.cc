// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/grpc_timeout.h"

#include <algorithm>

#include "base/strings.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kMostDigits = 8;

}  // namespace

std::optional<std::int64_t> parse_grpc_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kMostDigits + 1) return std::nullopt;
  auto amount = parse_int<std::int64_t>(text.substr(0, text.size() - 1));
  if (!amount || *amount < 0) return std::nullopt;
  auto in_ms = [&]() -> std::optional<std::int64_t> {
    switch (text.back()) {
      case 'H':
        return *amount * 3'600'000;
      case 'M':
        return *amount * 60'000;
      case 'S':
        return *amount * 1'000;
      case 'm':
        return *amount;
      case 'u':
        return *amount / 1'000;
      case 'n':
        return *amount / 1'000'000;
      default:
        return std::nullopt;
    }
  }();
  if (!in_ms) return std::nullopt;
  return std::max<std::int64_t>(*in_ms, 1);
}

}  // namespace sluice::gateway
