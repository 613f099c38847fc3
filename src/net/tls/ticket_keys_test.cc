// SPDX-License-Identifier: Apache-2.0
#include "net/tls/ticket_keys.h"

#include <gtest/gtest.h>

namespace sluice::net::tls {
namespace {

TEST(TicketKeysTest, AKeyOpensForTwoPeriodsAndIsGoneThen) {
  std::int64_t now = 1000;
  TicketKeys keys([&now] { return now; });
  const TicketKeys::Key first = keys.current();
  TicketKeys::Key found;
  EXPECT_EQ(keys.find(first.name.data(), found), TicketKeys::Match::Current);
  now += TicketKeys::kLifetimeS;
  EXPECT_NE(keys.current().name, first.name);
  EXPECT_EQ(keys.find(first.name.data(), found), TicketKeys::Match::Previous);
  EXPECT_EQ(found.cipher, first.cipher);
  now += TicketKeys::kLifetimeS;
  EXPECT_EQ(keys.find(first.name.data(), found), TicketKeys::Match::None);
}

TEST(TicketKeysTest, ALongSleepDropsBothKeys) {
  std::int64_t now = 1000;
  TicketKeys keys([&now] { return now; });
  const TicketKeys::Key first = keys.current();
  now += 5 * TicketKeys::kLifetimeS;
  TicketKeys::Key found;
  EXPECT_EQ(keys.find(first.name.data(), found), TicketKeys::Match::None);
}

TEST(TicketKeysTest, AnotherProcessGoesOnWhereOneStood) {
  std::int64_t now = 1000;
  TicketKeys before([&now] { return now; });
  const TicketKeys::Key first = before.current();
  now += TicketKeys::kLifetimeS;
  const TicketKeys::Key second = before.current();
  TicketKeys after([&now] { return now; });
  ASSERT_TRUE(after.restore(before.save().reveal()));
  TicketKeys::Key found;
  EXPECT_EQ(after.current().name, second.name);
  EXPECT_EQ(after.find(first.name.data(), found), TicketKeys::Match::Previous);
  now += TicketKeys::kLifetimeS;
  EXPECT_EQ(after.find(first.name.data(), found), TicketKeys::Match::None);
  EXPECT_EQ(after.find(second.name.data(), found), TicketKeys::Match::Previous);
}

TEST(TicketKeysTest, KeysThatWereSavedLongAgoOpenNothing) {
  std::int64_t now = 1000;
  TicketKeys before([&now] { return now; });
  const TicketKeys::Key first = before.current();
  const auto saved = before.save();
  now += 2 * TicketKeys::kLifetimeS;
  TicketKeys after([&now] { return now; });
  EXPECT_TRUE(after.restore(saved.reveal()));
  TicketKeys::Key found;
  EXPECT_EQ(after.find(first.name.data(), found), TicketKeys::Match::None);
}

TEST(TicketKeysTest, NoiseIsNotRestored) {
  std::int64_t now = 1000;
  TicketKeys keys([&now] { return now; });
  const TicketKeys::Key first = keys.current();
  const std::string saved = keys.save().reveal();
  EXPECT_FALSE(keys.restore(""));
  EXPECT_FALSE(keys.restore(saved.substr(1)));
  EXPECT_FALSE(keys.restore(std::string(saved.size(), 'x')));
  now -= 1;  // from a time that is still to come: another machine
  EXPECT_FALSE(keys.restore(saved));
  EXPECT_EQ(keys.current().name, first.name);
}

}  // namespace
}  // namespace sluice::net::tls
