// SPDX-License-Identifier: Apache-2.0
#include "control/iam/password.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rt/test_loop.h"

namespace sluice::control::iam {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Password, IsRefusedWhenShortOrDullOrTheAddress) {
  EXPECT_EQ(password_problem("correct horse battery", "a@b.test"), "");
  EXPECT_THAT(password_problem("short", ""), HasSubstr("12"));
  EXPECT_THAT(password_problem("aaaaaaaaaaaaaa", ""), HasSubstr("different"));
  EXPECT_THAT(password_problem("Jane.Doe@example.test", "jane.doe@EXAMPLE.test"), HasSubstr("e-mail"));
  EXPECT_THAT(password_problem(std::string(300, 'x'), ""), HasSubstr("at most"));
  EXPECT_THAT(password_problem("bad \xff octets in here", ""), HasSubstr("valid text"));
}

TEST(Password, IsKeptAsArgon2idAndFoundAgain) {
  const std::string hash = hash_password("correct horse battery");
  EXPECT_THAT(hash, StartsWith("$argon2id$v=19$m=65536,t=3,p=1$"));
  EXPECT_TRUE(verify_password(hash, "correct horse battery"));
  EXPECT_FALSE(verify_password(hash, "correct horse batterz"));
  EXPECT_NE(hash, hash_password("correct horse battery")) << "each has a salt of its own";
}

TEST(Password, OfNobodyIsNeverRight) {
  EXPECT_FALSE(verify_password("", "nobody has this password"));
  EXPECT_FALSE(verify_password("not a hash", "x"));
}

TEST(PasswordHasher, SendsAwayWhoComesWhenManyWait) {
  rt::Reactor reactor;
  PasswordHasher hasher(reactor);
  const std::string slow = hash_password("correct horse battery");
  std::vector<Task<Result<bool>>> waiting;
  using From = PasswordHasher::From;
  const auto come = [&](From from) {
    // The first keeps the thread busy until all others have come.
    waiting.push_back(hasher.verify(waiting.empty() ? slow : "not a hash", Secret<std::string>("x"), from));
    waiting.back().start();
  };
  const auto late = [&](From from) {
    const auto outcome = rt::run(reactor, hasher.verify("not a hash", Secret<std::string>("x"), from));
    return outcome ? Errc::Invalid : outcome.error().code;
  };
  const std::size_t strangers = PasswordHasher::kMostWaiting - PasswordHasher::kKeptPlaces;
  for (std::size_t i = 0; i < strangers; ++i) come(From::Stranger);
  EXPECT_EQ(late(From::Stranger), Errc::Unavailable);
  for (std::size_t i = strangers; i < PasswordHasher::kMostWaiting; ++i) come(From::Known);
  EXPECT_EQ(late(From::Known), Errc::Unavailable);
  const auto all_done = [&] { return std::ranges::all_of(waiting, [](const auto& one) { return one.ready(); }); };
  ASSERT_TRUE(rt::turn_until(reactor, all_done));
  EXPECT_TRUE(rt::run(reactor, hasher.hash(Secret<std::string>("correct horse battery"))).has_value());
}

}  // namespace
}  // namespace sluice::control::iam
