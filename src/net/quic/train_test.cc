// SPDX-License-Identifier: Apache-2.0
#include "net/quic/train.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/quic/addresses.h"

namespace sluice::net::quic {
namespace {

struct Seen {
  std::string bytes;
  std::uint16_t segment;
  std::uint16_t port;
  std::uint8_t ecn;
};

class QuicTrain : public ::testing::Test {
 protected:
  void write(char letter, std::size_t octets, std::uint16_t port = 1000, std::uint32_t ecn = 0) {
    std::memset(train.room(), letter, octets);
    const Address peer(*IpAddress::parse("127.0.0.1"), port);
    train.add(octets, {address_view(here), address_view(peer), nullptr}, ecn);
  }

  std::unique_ptr<Train::Buffer> buffer = std::make_unique<Train::Buffer>();
  std::vector<Seen> sent;
  Address here{*IpAddress::parse("127.0.0.1"), 443};
  Train train{
      *buffer, [this](const OutgoingView& view) {
        sent.push_back({std::string(view.bytes.begin(), view.bytes.end()), view.segment, view.peer->port(), view.ecn});
      }};
};

TEST_F(QuicTrain, TakesPacketsOfOneSizeTogether) {
  write('a', 1200);
  write('b', 1200);
  EXPECT_TRUE(sent.empty());
  train.leave();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].bytes, std::string(1200, 'a') + std::string(1200, 'b'));
  EXPECT_EQ(sent[0].segment, 1200);
}

TEST_F(QuicTrain, EndsWithAShorterPacket) {
  write('a', 1200);
  write('b', 70);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].bytes.size(), 1270U);
  train.leave();
  EXPECT_EQ(sent.size(), 1U);
}

TEST_F(QuicTrain, LeavesBeforeALongerPacket) {
  write('a', 70);
  write('b', 1200);
  train.leave();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].bytes, std::string(70, 'a'));
  EXPECT_EQ(sent[0].segment, 0);
  EXPECT_EQ(sent[1].bytes, std::string(1200, 'b'));
}

TEST_F(QuicTrain, LeavesBeforeAPacketForAnotherAddressOrOfAnotherMark) {
  write('a', 100);
  write('b', 100, 2000);
  write('c', 100, 2000, 1);
  train.leave();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0].port, 1000);
  EXPECT_EQ(sent[1].port, 2000);
  EXPECT_EQ(sent[1].bytes, std::string(100, 'b'));
  EXPECT_EQ(sent[2].ecn, 1);
}

TEST_F(QuicTrain, IsNoLongerThanAKernelTakes) {
  for (std::size_t i = 0; i < 2 * Train::kMost; ++i) write('a', 1452);
  EXPECT_EQ(sent.size(), 2U);
  for (const Seen& train_seen : sent) EXPECT_LT(train_seen.bytes.size(), 65'500U);
}

TEST_F(QuicTrain, SendsNothingWhenNothingIsThere) {
  train.leave();
  EXPECT_TRUE(sent.empty());
}

}  // namespace
}  // namespace sluice::net::quic
