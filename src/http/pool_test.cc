// SPDX-License-Identifier: Apache-2.0
#include "http/pool.h"

#include <memory>
#include <vector>

#include "http/socket_fixture.h"

namespace sluice::http {
namespace {

class PoolTest : public testing::Test {
 protected:
  PoolTest() : PoolTest(std::make_unique<rt::ManualClock>()) {}
  explicit PoolTest(std::unique_ptr<rt::ManualClock> manual) : clock(manual.get()), reactor(std::move(manual)) {}

  Pool::Connection connect() {
    auto [near, far] = local_pair();
    auto connection = std::make_unique<h1::ClientConnection>(reactor);
    connection->stream().attach(reactor, near);
    peers.push_back(std::make_unique<Peer>(reactor, far));
    reactor.run_once(0);
    return connection;
  }

  rt::ManualClock* clock;
  rt::Reactor reactor;
  PoolOptions options{.max_idle = 2, .max_requests = 3, .idle_timeout_ms = 1000};
  Pool pool{reactor, options};
  std::vector<std::unique_ptr<Peer>> peers;
};

TEST_F(PoolTest, GivesBackTheConnectionThatWasUsedLast) {
  auto first = connect();
  auto second = connect();
  auto* last = second.get();
  pool.put(std::move(first));
  pool.put(std::move(second));
  EXPECT_EQ(pool.take().get(), last);
  EXPECT_EQ(pool.idle(), 1U);
}

TEST_F(PoolTest, HasNothingAtFirst) {
  EXPECT_EQ(pool.take(), nullptr);
}

TEST_F(PoolTest, DropsTheOldestBeyondItsSize) {
  for (int i = 0; i < 3; ++i) pool.put(connect());
  EXPECT_EQ(pool.idle(), 2U);
  peers[0]->settle();
  EXPECT_TRUE(peers[0]->ended());
  EXPECT_FALSE(peers[2]->ended());
}

TEST_F(PoolTest, DoesNotGiveOutAConnectionThatThePeerClosedOrWroteTo) {
  pool.put(connect());
  pool.put(connect());
  peers[0]->hang_up();
  peers[1]->say("HTTP/1.1 408 Request Timeout\r\n\r\n");
  for (int i = 0; i < 5; ++i) reactor.run_once(1);
  EXPECT_EQ(pool.take(), nullptr);
}

TEST_F(PoolTest, RetiresAConnectionAfterItsLastRequest) {
  auto connection = connect();
  for (int i = 0; i < 2; ++i) {
    pool.put(std::move(connection));
    connection = pool.take();
    ASSERT_NE(connection, nullptr);
  }
  pool.put(std::move(connection));
  EXPECT_EQ(pool.idle(), 0U);
}

TEST_F(PoolTest, ClosesConnectionsThatWereIdleForTooLong) {
  pool.put(connect());
  clock->advance_ms(600);
  reactor.run_once(0);
  pool.put(connect());
  clock->advance_ms(600);
  reactor.run_once(0);
  EXPECT_EQ(pool.idle(), 1U);
  clock->advance_ms(600);
  reactor.run_once(0);
  EXPECT_EQ(pool.idle(), 0U);
}

TEST_F(PoolTest, KeepsNothingWhenItMayNot) {
  options.max_idle = 0;
  pool.put(connect());
  EXPECT_EQ(pool.idle(), 0U);
}

}  // namespace
}  // namespace sluice::http
