// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/request_id.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

constexpr std::array<std::uint8_t, 16> kKey = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

std::set<std::string> take(const RequestIds::Origin& origin, int count) {
  RequestIds ids(kKey, origin);
  std::set<std::string> taken;
  std::array<char, 32> id{};
  for (int i = 0; i < count; ++i) {
    ids.next(id);
    taken.emplace(id.data(), id.size());
  }
  return taken;
}

TEST(RequestIds, AreUnique) {
  EXPECT_EQ(take({}, 10'000).size(), 10'000U);
}

TEST(RequestIds, AreLowerCaseHexadecimal) {
  for (const std::string& id : take({}, 100)) {
    EXPECT_TRUE(std::all_of(id.begin(), id.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    })) << id;
  }
}

TEST(RequestIds, DifferBetweenNodesShardsAndStarts) {
  std::set<std::string> all;
  for (const RequestIds::Origin& origin : {RequestIds::Origin{1, 0, 5}, RequestIds::Origin{2, 0, 5},
                                           RequestIds::Origin{1, 1, 5}, RequestIds::Origin{1, 0, 6}}) {
    all.merge(take(origin, 500));
  }
  EXPECT_EQ(all.size(), 2000U);
}

TEST(RequestIds, DoNotShowTheCounter) {
  const auto ids = take({}, 1000);
  std::set<std::string> beginnings;
  for (const std::string& id : ids) beginnings.insert(id.substr(0, 6));
  EXPECT_GT(beginnings.size(), 950U);
}

}  // namespace
}  // namespace sluice::gateway
