// SPDX-License-Identifier: Apache-2.0
#include "http/multiplexed_pool.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http/h2/test_client.h"
#include "http/socket_fixture.h"
#include "rt/test_loop.h"

namespace sluice::http {
namespace {

/// A request with content that goes as far as the window lets it.
struct Upload {
  Upload(h2::ClientConnection& connection, std::size_t octets)
      : content(octets, 'x'), body(content), exchange(connection, arena, {1000, 1000}) {
    head.method = "POST";
    head.target = "/";
    head.authority = "upstream.test";
    head.framing = {Framing::Kind::Length, octets};
    sending = exchange.send(head, &body);
    sending.start();
  }

  Arena arena;
  RequestHead head{arena};
  std::string content;
  MemoryBody body;
  h2::ClientExchange exchange;
  Task<Result<>> sending = Result<>{};
};

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

TEST_F(MultiplexedPools, UseAConnectionThatIsHeldBackOnlyWhereAllAre) {
  add();
  h2::ClientConnection* first = pool.take();
  EXPECT_FALSE(pool.wants_another(*first));
  Upload upload(*first, 70'000);  // more than an upstream's window that says nothing about it
  turn();
  ASSERT_EQ(pool.take(), first);
  EXPECT_TRUE(pool.wants_another(*first));

  add();
  EXPECT_NE(pool.take(), first);
  EXPECT_FALSE(pool.wants_another(*pool.take()));
}

TEST_F(MultiplexedPools, ShareWhatIsHeldBackByTheNumberOfStreams) {
  add();
  h2::ClientConnection* first = pool.take();
  Upload upload(*first, 70'000);
  add();
  h2::ClientConnection* second = pool.take();
  Upload one(*second, 70'000);
  Upload two(*second, 10);
  EXPECT_EQ(pool.take(), first);
}

TEST_F(MultiplexedPools, OpenNoMoreBesideThoseThatWorkForAWhileAfterAFailure) {
  add();
  Upload upload(*pool.take(), 70'000);
  auto turn = pool.begin_dial();
  EXPECT_FALSE(pool.wants_another(*pool.take()));  // it is being opened
  turn->failed({Errc::Refused, Blame::Upstream, Retry::Safe, "refused"});
  EXPECT_FALSE(pool.wants_another(*pool.take()));
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
