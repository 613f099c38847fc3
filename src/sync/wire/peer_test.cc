// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/peer.h"

#include <gtest/gtest.h>

namespace sluice::sync::wire {
namespace {

TEST(ProductVersion, ReadsWhatProductsSay) {
  const auto expect = [](const char* text, const ProductVersion& version) {
    const auto parsed = parse_product_version(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(*parsed, version) << text;
  };
  expect("0.4.1", {0, 4, 1});
  expect("3.9.1", {3, 9, 1});
  expect("3.10.0.2", {3, 10, 0});
  expect("3.10", {3, 10, 0});
  expect("3.4.3.0-enterprise-edition", {3, 4, 3});
  expect("3.8.0-rc.1", {3, 8, 0});
}

TEST(ProductVersion, ComparesByNumbers) {
  EXPECT_LT((ProductVersion{3, 9, 1}), (ProductVersion{3, 10, 0}));
}

TEST(ProductVersion, RefusesOtherTexts) {
  for (const char* text : {"", "3", "3.", ".3", "3.x", "v3.10", "-3.10", "3.-1", "3.10.x", "99999999999.1"}) {
    EXPECT_FALSE(parse_product_version(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace sluice::sync::wire
