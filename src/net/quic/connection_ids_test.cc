// SPDX-License-Identifier: Apache-2.0
#include "net/quic/connection_ids.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace sluice::net::quic {
namespace {

TEST(ConnectionIds, TellTheShardThatIssuedThem) {
  const ConnectionIds ids;
  for (const std::size_t shard : {0U, 1U, 7U, 255U, 256U, 65535U}) {
    EXPECT_EQ(ids.owner(octets_of(ids.issue(shard))), shard);
  }
}

TEST(ConnectionIds, DoNotRepeat) {
  const ConnectionIds ids;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.emplace(octets_of(ids.issue(3)));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(ConnectionIds, AreNotThoseOfAnotherProcess) {
  const ConnectionIds ours;
  const ConnectionIds theirs;
  EXPECT_FALSE(ours.owner(octets_of(theirs.issue(0))));
}

TEST(ConnectionIds, AreNotTakenWhenAnyOctetOfTheProvenPartDiffers) {
  const ConnectionIds ids;
  const std::string id(octets_of(ids.issue(1)));
  for (std::size_t i = 2; i < id.size(); ++i) {
    std::string changed = id;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(ids.owner(changed)) << i;
  }
}

TEST(ConnectionIds, OfAnotherLengthAreNotOurs) {
  const ConnectionIds ids;
  EXPECT_FALSE(ids.owner(""));
  EXPECT_FALSE(ids.owner(std::string(8, 'x')));
  EXPECT_FALSE(ids.owner(std::string(octets_of(ids.issue(1))) + "x"));
}

TEST(ConnectionIds, HaveAResetTokenEach) {
  const ConnectionIds ids;
  const ngtcp2_cid one = ids.issue(1);
  EXPECT_EQ(ids.reset_token(one), ids.reset_token(one));
  EXPECT_NE(ids.reset_token(one), ids.reset_token(ids.issue(1)));
  EXPECT_NE(ids.reset_token(one), ConnectionIds().reset_token(one));
}

}  // namespace
}  // namespace sluice::net::quic
