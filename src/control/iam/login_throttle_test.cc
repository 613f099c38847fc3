// SPDX-License-Identifier: Apache-2.0
#include "control/iam/login_throttle.h"

#include <gtest/gtest.h>

namespace sluice::control::iam {
namespace {

/// What the eleventh attempt is told, after ten for the account of `accounts(i)` from `addresses(i)`.
template <class Account, class Address>
std::int64_t eleventh(LoginThrottle& throttle, Account account, Address address) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(throttle.admit(account(i), address(i), 1000 + i), 0) << i;
  return throttle.admit(account(10), address(10), 2000);
}

std::string ip(int i) {
  return "10.0.0." + std::to_string(i);
}

TEST(LoginThrottle, RefusesTheEleventhAttemptForAnAccountFromAnywhere) {
  LoginThrottle throttle;
  EXPECT_EQ(eleventh(throttle, [](int i) { return i % 2 == 0 ? "a@x.test" : "A@X.test"; }, ip), 59'000);
  EXPECT_EQ(throttle.admit("b@x.test", ip(10), 2000), 0) << "another account";
  EXPECT_EQ(throttle.admit("a@x.test", ip(50), 61'001), 0) << "a minute later";
}

TEST(LoginThrottle, RefusesTheEleventhAttemptFromAnAddressWhoeverItIsFor) {
  LoginThrottle throttle;
  const auto user = [](int i) { return "user" + std::to_string(i) + "@x.test"; };
  EXPECT_GT(eleventh(throttle, user, [](int) { return "192.0.2.1"; }), 0);
  EXPECT_EQ(throttle.admit("user3@x.test", "192.0.2.2", 2000), 0);
}

TEST(LoginThrottle, TakesANetworkOfIpv6ForOneAddress) {
  LoginThrottle throttle;
  const auto user = [](int i) { return "user" + std::to_string(i); };
  EXPECT_GT(eleventh(throttle, user, [](int i) { return "2001:db8:1:2:" + std::to_string(i) + ":5:6:7"; }), 0);
  EXPECT_EQ(throttle.admit("other", "2001:db8:1:3:1:5:6:7", 2000), 0);
}

TEST(LoginThrottle, LetsALargerNetworkOfIpv6TryAHundredTimes) {
  LoginThrottle throttle;
  const auto from = [](int i) { return "2001:db8:1:" + std::to_string(i) + "::1"; };
  for (int i = 0; i < 100; ++i) EXPECT_EQ(throttle.admit("user" + std::to_string(i), from(i), 1000), 0) << i;
  EXPECT_GT(throttle.admit("other", from(100), 1000), 0);
  EXPECT_EQ(throttle.admit("other", "2001:db8:2::1", 1000), 0);
}

TEST(LoginThrottle, GoodOnesAreNotCounted) {
  LoginThrottle throttle;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(throttle.admit("a", "192.0.2.1", 1000), 0);
    throttle.succeeded("a", "192.0.2.1");
  }
}

TEST(LoginThrottle, WhoHasSignedInHereIsNotLockedOutByOthers) {
  LoginThrottle throttle;
  EXPECT_EQ(throttle.admit("a", "192.0.2.1", 0), 0);
  throttle.succeeded("a", "192.0.2.1");
  EXPECT_GT(eleventh(throttle, [](int) { return "a"; }, ip), 0);
  EXPECT_EQ(throttle.admit("a", "192.0.2.1", 2000), 0);
}

TEST(LoginThrottle, WhoHasSignedInHereIsNotLockedOutByWhoSharesTheAddress) {
  LoginThrottle throttle;
  EXPECT_EQ(throttle.admit("a", "192.0.2.1", 0), 0);
  throttle.succeeded("a", "192.0.2.1");
  const auto other = [](int i) { return "user" + std::to_string(i); };
  EXPECT_GT(eleventh(throttle, other, [](int) { return "192.0.2.1"; }), 0);
  EXPECT_GT(eleventh(throttle, [](int) { return "a"; }, [](int) { return "192.0.2.1"; }), 0) << "ten of its own";
  EXPECT_EQ(throttle.admit("b", "192.0.2.1", 62'000), 0);
}

TEST(LoginThrottle, ARefusalIsNewsOnceAMinuteForAnAddress) {
  LoginThrottle throttle;
  EXPECT_TRUE(throttle.is_news("192.0.2.1", 1000));
  EXPECT_FALSE(throttle.is_news("192.0.2.1", 60'999));
  EXPECT_TRUE(throttle.is_news("192.0.2.2", 2000));
  EXPECT_TRUE(throttle.is_news("192.0.2.1", 61'000));
}

TEST(LoginThrottle, RemembersABoundedNumber) {
  LoginThrottle throttle;
  for (int i = 0; i < 30'000; ++i) throttle.admit("u" + std::to_string(i), ip(i), 1000);
  EXPECT_EQ(throttle.admit("u0", ip(0), 1000), 0);
}

}  // namespace
}  // namespace sluice::control::iam
