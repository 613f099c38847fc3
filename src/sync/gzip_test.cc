// SPDX-License-Identifier: Apache-2.0
#include "sync/gzip.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace sluice::sync {
namespace {

constexpr std::size_t kLimit = std::size_t{64} << 20U;

std::string packed(std::string_view text, std::size_t step = std::string_view::npos) {
  Gzip gzip(6);
  while (!text.empty()) {
    gzip.add(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
  }
  return gzip.finish();
}

std::string random_text(std::size_t size) {
  std::mt19937 random(5);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same text in each run
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(Gzip, GoesThereAndBackInAnyPieces) {
  for (const std::size_t size : {0U, 1U, 65'535U, 65'536U, 65'537U, 500'000U}) {
    const std::string text = random_text(size);
    for (const std::size_t step : {std::size_t{1'000}, std::size_t{70'000}, std::string::npos}) {
      const auto back = gunzip(packed(text, step), kLimit);
      ASSERT_TRUE(back.has_value()) << back.error().what;
      EXPECT_EQ(*back, text);
    }
  }
}

TEST(Gzip, RefusesWhatIsLargerThanTheLimit) {
  const std::string octets = packed(random_text(200'000));
  EXPECT_TRUE(gunzip(octets, 200'000).has_value());
  const auto refused = gunzip(octets, 199'999);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::TooLarge);
}

TEST(Gzip, RefusesABombSoonWhenTheRatioIsBounded) {
  const std::string bomb = packed(std::string(std::size_t{32} << 20U, 'a'));
  EXPECT_LT(bomb.size(), 40'000U);
  const auto refused = gunzip(bomb, kLimit, Gunzip::Ratio::Bounded);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::TooLarge);
  EXPECT_TRUE(gunzip(bomb, kLimit).has_value());
}

TEST(Gzip, SmallTextsMayBeAsRepetitiveAsTheyLike) {
  EXPECT_TRUE(gunzip(packed(std::string(1'000'000, 'a')), kLimit, Gunzip::Ratio::Bounded).has_value());
}

TEST(Gzip, RefusesEveryTruncation) {
  const std::string octets = packed(random_text(300));
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto refused = gunzip(std::string_view(octets).substr(0, size), kLimit);
    ASSERT_FALSE(refused.has_value()) << size;
    EXPECT_EQ(refused.error().code, Errc::Invalid);
  }
}

TEST(Gzip, RefusesWhatFollowsTheEnd) {
  EXPECT_FALSE(gunzip(packed("a") + "x", kLimit).has_value());
  EXPECT_FALSE(gunzip(packed("a") + packed("b"), kLimit).has_value());
}

TEST(Gzip, NoDamageGivesAnotherText) {
  const std::string text = "a configuration, a configuration, a configuration";
  const std::string octets = packed(text);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = octets;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << bit));
      const auto opened = gunzip(damaged, kLimit);
      if (opened) EXPECT_EQ(*opened, text);  // the header has bits that mean nothing
    }
  }
}

}  // namespace
}  // namespace sluice::sync
