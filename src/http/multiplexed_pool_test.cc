// SPDX-License-Identifier: Apache-2.0
#include "http/multiplexed_pool.h"

#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "http/h2/test_client.h"
#include "http/socket_fixture.h"
#include "rt/test_loop.h"

namespace sluice::http {
namespace {

class MultiplexedPools : public testing::Test {
 protected:
  void add() {
    auto [near, far] = local_pair();
    auto stream = std::make_unique<net::Stream>();
    stream->attach(reactor, near);
    pool.add(std::move(stream));
    upstreams.push_back(std::make_unique<h2::TestClient>(far));
    upstreams.back()->accept();
    turn();
  }
  void turn() {
    for (int i = 0; i < 5; ++i) reactor.run_once(1);
  }

  rt::Reactor reactor;
  PoolOptions options;
  MultiplexedPool pool{reactor, options};
  std::vector<std::unique_ptr<h2::TestClient>> upstreams;
};

TEST_F(MultiplexedPools, HaveNothingAtFirst) {
  EXPECT_EQ(pool.take(), nullptr);
  EXPECT_TRUE(pool.empty());
}

TEST_F(MultiplexedPools, GiveTheSameConnectionToMany) {
  add();
  EXPECT_NE(pool.take(), nullptr);
  EXPECT_EQ(pool.take(), pool.take());
}

TEST_F(MultiplexedPools, ForgetAConnectionThatHasGone) {
  add();
  upstreams.front()->close();
  rt::turn_until(reactor, [&] { return pool.size() == 0; });
  EXPECT_EQ(pool.take(), nullptr);
}

TEST_F(MultiplexedPools, LetOneDialAndTheOthersWait) {
  auto turn = pool.begin_dial();
  ASSERT_TRUE(turn);
  EXPECT_FALSE(pool.begin_dial());
  EXPECT_FALSE(pool.empty());
  Task<Result<>> waiting = pool.dialed(reactor.after_ms(5'000));
  waiting.start();
  add();
  EXPECT_FALSE(waiting.ready());
  turn.reset();
  rt::turn_until(reactor, [&] { return waiting.ready(); });
  EXPECT_TRUE(waiting.take());
  EXPECT_NE(pool.take(), nullptr);
}

TEST_F(MultiplexedPools, TellThoseWhoWaitWhyThereIsNoConnection) {
  auto turn = pool.begin_dial();
  Task<Result<>> waiting = pool.dialed(reactor.after_ms(5'000));
  waiting.start();
  turn->failed({Errc::Refused, Blame::Upstream, Retry::Safe, "refused"});
  rt::turn_until(reactor, [&] { return waiting.ready(); });
  EXPECT_EQ(waiting.take().error().what, "refused");
  EXPECT_TRUE(pool.begin_dial());
}

TEST_F(MultiplexedPools, LetTheNextOneDialWhenTheFirstWasCancelled) {
  auto turn = pool.begin_dial();
  Task<Result<>> waiting = pool.dialed(reactor.after_ms(5'000));
  waiting.start();
  turn.reset();
  rt::turn_until(reactor, [&] { return waiting.ready(); });
  EXPECT_TRUE(waiting.take());
  EXPECT_TRUE(pool.begin_dial());
}

TEST_F(MultiplexedPools, DoNotLetAnybodyWaitForEver) {
  auto turn = pool.begin_dial();
  Result<> waited = rt::run(reactor, pool.dialed(reactor.after_ms(10)));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Errc::Timeout);
}

}  // namespace
}  // namespace sluice::http
