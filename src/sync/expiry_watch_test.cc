// SPDX-License-Identifier: Apache-2.0
#include "sync/expiry_watch.h"

#include <gmock/gmock.h>

namespace sluice::sync {
namespace {

using Notice = ExpiryWatch::Notice;
constexpr std::int64_t kDay = 86'400;

TEST(ExpiryWatch, WarnsAtThirtySevenAndOneDays) {
  ExpiryWatch watch;
  const auto look = [&](std::int64_t days_left) { return watch.look("a", 100 * kDay, (100 - days_left) * kDay); };
  EXPECT_EQ(look(60), Notice::None);
  EXPECT_EQ(look(29), Notice::Soon);
  EXPECT_EQ(look(28), Notice::None);
  EXPECT_EQ(look(6), Notice::Soon);
  EXPECT_EQ(look(5), Notice::None);
  EXPECT_EQ(look(1), Notice::Soon);
  EXPECT_EQ(look(-1), Notice::Expired);
  EXPECT_EQ(look(-1), Notice::None);
  EXPECT_EQ(look(-2), Notice::Expired);
}

TEST(ExpiryWatch, BeginsAnewWithAnotherCertificate) {
  ExpiryWatch watch;
  EXPECT_EQ(watch.look("a", 100 * kDay, 95 * kDay), Notice::Soon);
  EXPECT_EQ(watch.look("b", 500 * kDay, 95 * kDay), Notice::None);
  EXPECT_EQ(watch.look("b", 500 * kDay, 495 * kDay), Notice::Soon);
}

}  // namespace
}  // namespace sluice::sync
