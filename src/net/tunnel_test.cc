// SPDX-License-Identifier: Apache-2.0
#include "net/tunnel.h"

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt/test_loop.h"

namespace sluice::net {
namespace {

class Tunnel : public ::testing::Test {
 protected:
  Tunnel() {
    attach(client, far_client);
    attach(upstream, far_upstream);
  }
  ~Tunnel() override {
    ::close(far_client);
    ::close(far_upstream);
  }
  void begin(std::int64_t idle_ms) {
    running = run_tunnel(client, upstream, idle_ms, counts);
    running.start();
  }
  void attach(Stream& stream, int& far) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    stream.attach(reactor, ends[0]);
    far = ends[1];
  }
  void pause(std::int64_t ms) {
    bool over = false;
    auto sleeping = [](rt::Reactor& on, std::int64_t for_ms, bool& done) -> Task<void> {
      co_await rt::Sleep(on, on.after_ms(for_ms));
      done = true;
    }(reactor, ms, over);
    sleeping.start();
    rt::turn_until(reactor, [&] { return over; });
  }
  std::string heard(int fd, std::size_t size) {
    std::string text;
    rt::turn_until(reactor, [&] {
      std::array<char, 64> piece{};
      const ssize_t got = ::recv(fd, piece.data(), piece.size(), MSG_DONTWAIT);
      if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
      return text.size() >= size || got == 0;
    });
    return text;
  }

  rt::Reactor reactor;
  Stream client, upstream;
  int far_client = -1, far_upstream = -1;
  TunnelCounts counts;
  Task<TunnelEnd> running = TunnelEnd::Closed;
};

TEST_F(Tunnel, CarriesBothWaysAndPassesTheEndOn) {
  begin(5'000);
  ::send(far_client, "hello", 5, 0);
  EXPECT_EQ(heard(far_upstream, 5), "hello");
  ::shutdown(far_client, SHUT_WR);
  ::send(far_upstream, "bye", 3, 0);
  EXPECT_EQ(heard(far_client, 3), "bye");
  EXPECT_EQ(heard(far_upstream, 1), "") << "the client's end was passed on";
  ::shutdown(far_upstream, SHUT_WR);
  rt::turn_until(reactor, [&] { return running.ready(); });
  EXPECT_EQ(counts.from_client, 5U);
  EXPECT_EQ(counts.to_upstream, 5U);
  EXPECT_EQ(counts.from_upstream, 3U);
  EXPECT_EQ(counts.to_client, 3U);
  EXPECT_EQ(running.take(), TunnelEnd::Closed);
}

TEST_F(Tunnel, BulkArrivesWholeThroughASlowReader) {
  begin(5'000);
  const std::size_t total = 3 << 20U;
  std::string sent(total, '\0');
  for (std::size_t i = 0; i < total; ++i) sent[i] = static_cast<char>(i * 31 >> 7U);
  std::size_t given = 0;
  std::string got;
  std::array<char, 200'000> piece;
  bool ended = false;
  rt::turn_until(reactor, [&] {
    if (given < total) {
      const ssize_t put = ::send(far_client, sent.data() + given, total - given, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (put > 0) given += static_cast<std::size_t>(put);
      if (given == total) ::shutdown(far_client, SHUT_WR);
    }
    // Reads less often than the other side writes, so that both buffers fill.
    if (reactor.turns() % 3 != 0) return false;
    const ssize_t read = ::recv(far_upstream, piece.data(), piece.size(), MSG_DONTWAIT);
    if (read > 0) got.append(piece.data(), static_cast<std::size_t>(read));
    ended = read == 0;
    return ended;
  });
  EXPECT_TRUE(got == sent) << got.size() << " of " << total;
  EXPECT_EQ(counts.from_client, total);
  EXPECT_EQ(counts.to_upstream, total);
}

TEST_F(Tunnel, SaysWhoseFailureItWas) {
  begin(5'000);
  ::send(far_client, "x", 1, 0);
  EXPECT_EQ(heard(far_upstream, 1), "x");
  ::send(far_upstream, "unread", 6, 0);  // closing with unread octets resets a connection
  ::close(far_client);
  far_client = -1;
  ::send(far_upstream, "more", 4, MSG_NOSIGNAL);
  rt::turn_until(reactor, [&] { return running.ready(); });
  EXPECT_EQ(running.take(), TunnelEnd::ClientFailed);
}

TEST_F(Tunnel, ASinkThatTakesNothingEndsIt) {
  running = run_tunnel(client, upstream, {60'000, 100}, counts);
  running.start();
  const std::string much(4 << 20U, 'x');
  rt::turn_until(reactor, [&] {
    ::send(far_client, much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return running.ready();
  });
  EXPECT_EQ(running.take(), TunnelEnd::UpstreamFailed);
}

TEST_F(Tunnel, OneDirectionKeepsTheOtherAlive) {
  begin(200);
  for (int i = 0; i < 5; ++i) {
    pause(100);
    ::send(far_upstream, "x", 1, 0);
    EXPECT_EQ(heard(far_client, 1), "x");
  }
  EXPECT_FALSE(running.ready());
}

TEST_F(Tunnel, EndsWhenNothingMoves) {
  begin(50);
  pause(150);
  ASSERT_TRUE(running.ready());
  EXPECT_EQ(running.take(), TunnelEnd::Idle);
}

}  // namespace
}  // namespace sluice::net
