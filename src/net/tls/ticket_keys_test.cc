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

}  // namespace
}  // namespace sluice::net::tls
