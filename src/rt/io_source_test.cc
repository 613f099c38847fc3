// SPDX-License-Identifier: Apache-2.0
#include "rt/io_source.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt/reactor.h"
#include "rt/scope.h"
#include "rt/test_loop.h"

namespace sluice::rt {
namespace {

struct Pair {
  explicit Pair(Reactor& reactor) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0) std::abort();
    source.attach(reactor, fds[0]);
    peer = fds[1];
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { close_peer(); }
  void send(std::string_view text) const {
    EXPECT_EQ(::write(peer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_peer() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  std::string drain() {
    std::array<char, 256> piece{};
    const ssize_t got = ::read(source.fd(), piece.data(), piece.size());
    source.clear_readable();
    return {piece.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
  IoSource source;
  int peer = -1;
};

Task<Wake> readable(IoSource& source, Deadline deadline) {
  co_return co_await source.wait_readable(deadline);
}
Task<Wake> writable(IoSource& source, Deadline deadline) {
  co_return co_await source.wait_writable(deadline);
}

class IoSourceTest : public testing::Test {
 public:
  Reactor reactor;
  Deadline soon() { return reactor.after_ms(20); }
  Deadline late() { return reactor.after_ms(5000); }
};

TEST_F(IoSourceTest, WakesWhenDataArrives) {
  Pair pair(reactor);
  auto waiting = readable(pair.source, late());
  waiting.start();
  reactor.run_once(0);
  EXPECT_FALSE(waiting.ready());
  pair.send("x");
  EXPECT_EQ(run(reactor, std::move(waiting)), Wake::Ready);
  EXPECT_EQ(pair.drain(), "x");
}

TEST_F(IoSourceTest, RemembersWhatTheKernelReported) {
  Pair pair(reactor);
  pair.send("x");
  reactor.run_once(10);
  EXPECT_TRUE(pair.source.readable());
  EXPECT_TRUE(pair.source.writable());
  auto waiting = readable(pair.source, late());
  waiting.start();
  EXPECT_TRUE(waiting.ready());
}

TEST_F(IoSourceTest, TimesOutAtTheDeadlineAndCanWaitAgain) {
  Pair pair(reactor);
  const std::int64_t before = reactor.clock().mono_ms();
  EXPECT_EQ(run(reactor, readable(pair.source, soon())), Wake::TimedOut);
  EXPECT_GE(reactor.clock().mono_ms() - before, 20);
  pair.send("x");
  EXPECT_EQ(run(reactor, readable(pair.source, late())), Wake::Ready);
}

TEST_F(IoSourceTest, DeadlinesThatHavePassedTimeOutSoon) {
  Pair pair(reactor);
  EXPECT_EQ(run(reactor, readable(pair.source, Deadline{reactor.clock().mono_ms() - 50})), Wake::TimedOut);
}

TEST_F(IoSourceTest, AnEarlierTimerDoesNotEndALaterWait) {
  Pair pair(reactor);
  auto first = readable(pair.source, soon());
  first.start();
  reactor.run_once(0);
  pair.send("x");
  EXPECT_EQ(run(reactor, std::move(first)), Wake::Ready);
  pair.drain();
  EXPECT_EQ(run(reactor, readable(pair.source, reactor.after_ms(60))), Wake::TimedOut);  // the timer was set for 20
}

TEST_F(IoSourceTest, BothDirectionsWaitAtOnceWithTheirOwnDeadlines) {
  Pair pair(reactor);
  reactor.run_once(10);
  std::string much(1 << 20, 'x');
  while (::send(pair.source.fd(), much.data(), much.size(), MSG_NOSIGNAL) > 0) {
  }
  pair.source.clear_writable();
  auto reading = readable(pair.source, reactor.after_ms(40));
  auto writing = writable(pair.source, reactor.after_ms(20));
  reading.start();
  writing.start();
  EXPECT_EQ(run(reactor, std::move(writing)), Wake::TimedOut);
  EXPECT_FALSE(reading.ready());
  EXPECT_EQ(run(reactor, std::move(reading)), Wake::TimedOut);
}

TEST_F(IoSourceTest, BothDirectionsMayTimeOutTogether) {
  Pair pair(reactor);
  reactor.run_once(10);
  pair.source.clear_writable();
  const Deadline same = soon();
  auto reading = readable(pair.source, same);
  auto writing = writable(pair.source, same);
  reading.start();
  writing.start();
  turn_until(reactor, [&] { return reading.ready() && writing.ready(); });
  EXPECT_EQ(reading.take(), Wake::TimedOut);
  EXPECT_EQ(writing.take(), Wake::TimedOut);
}

TEST_F(IoSourceTest, CancelledWaitsLeaveNothingBehind) {
  Pair pair(reactor);
  auto reading = readable(pair.source, soon());
  reading.start();
  reading.reset();
  pair.send("x");
  for (int i = 0; i < 4; ++i) reactor.run_once(10);
  EXPECT_EQ(run(reactor, readable(pair.source, late())), Wake::Ready);
}

TEST_F(IoSourceTest, ACancelledTimeoutDoesNotReachTheNextWait) {
  Pair pair(reactor);
  reactor.run_once(10);
  pair.source.clear_writable();
  const Deadline same = soon();
  auto writing = writable(pair.source, same);
  auto reading = readable(pair.source, same);
  writing.start();
  reading.start();
  turn_until(reactor, [&] { return reading.ready(); });
  writing.reset();  // timed out or about to be resumed, never looked at
  EXPECT_EQ(reading.take(), Wake::TimedOut);
  auto next = writable(pair.source, late());
  next.start();
  reactor.run_once(5);
  EXPECT_FALSE(next.ready());
}

TEST_F(IoSourceTest, TheEndOfThePeerIsReadableAndHeard) {
  Pair pair(reactor);
  struct Listener final : IoSource::HangupListener {
    int heard = 0;
    void on_hangup() override { ++heard; }
  } listener;
  pair.source.listen_for_hangup(&listener);
  ::shutdown(pair.peer, SHUT_WR);
  EXPECT_EQ(run(reactor, readable(pair.source, late())), Wake::Ready);
  EXPECT_TRUE(pair.source.peer_closed());
  EXPECT_FALSE(pair.source.broken());
  pair.source.clear_readable();
  EXPECT_TRUE(pair.source.readable());  // reading no longer blocks
  pair.close_peer();
  reactor.run_once(10);
  EXPECT_TRUE(pair.source.broken());
  EXPECT_EQ(listener.heard, 1);
}

TEST_F(IoSourceTest, AListenerMayDestroyTheSource) {
  struct Owner final : IoSource::HangupListener {
    std::unique_ptr<Pair> pair;
    void on_hangup() override { pair.reset(); }
  } owner;
  owner.pair = std::make_unique<Pair>(reactor);
  owner.pair->source.listen_for_hangup(&owner);
  owner.pair->close_peer();
  turn_until(reactor, [&] { return owner.pair == nullptr; });
}

Task<void> read_and_drop(std::unique_ptr<Pair>& own, std::unique_ptr<Pair>& other, Deadline deadline) {
  IoSource& source = own->source;
  co_await source.wait_readable(deadline);
  other.reset();
  own.reset();
}

TEST_F(IoSourceTest, SourcesMayBeDestroyedWhileTheirEventsAreInTheBatch) {
  for (int round = 0; round < 20; ++round) {
    auto first = std::make_unique<Pair>(reactor);
    auto second = std::make_unique<Pair>(reactor);
    auto task = read_and_drop(first, second, late());
    task.start();
    second->send("x");
    first->send("x");
    turn_until(reactor, [&] { return task.ready(); });
    task.take();
  }
}

Task<void> read_and_reopen(IoSource& own, IoSource& other, int fresh, Reactor& reactor, Deadline deadline) {
  co_await own.wait_readable(deadline);
  other.close();
  other.attach(reactor, fresh);
}

TEST_F(IoSourceTest, StaleEventsDoNotReachAReopenedSource) {
  Pair first(reactor);
  Pair second(reactor);
  Pair spare(reactor);
  reactor.run_once(10);
  const int fresh = spare.source.release();
  auto task = read_and_reopen(first.source, second.source, fresh, reactor, late());
  task.start();
  first.send("x");
  second.send("stale");
  // Only the events of this one batch: the reopened source has had none of its own yet.
  turn_until(reactor, [&] { return task.ready(); });
  EXPECT_FALSE(second.source.readable());
}

TEST_F(IoSourceTest, AReleasedDescriptorIsNoLongerWatched) {
  Pair pair(reactor);
  const int fd = pair.source.release();
  EXPECT_FALSE(pair.source.is_open());
  pair.send("x");
  const std::uint64_t before = reactor.turns();
  reactor.run_once(10);
  EXPECT_EQ(reactor.turns(), before + 1);
  EXPECT_FALSE(pair.source.readable());
  ::close(fd);
}

}  // namespace
}  // namespace sluice::rt
