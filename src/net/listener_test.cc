// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "rt/test_loop.h"

namespace sluice::net {
namespace {

/// Takes all descriptors that this process may have, while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = 256;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = 0; fd >= 0; fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) taken_.push_back(fd);
    taken_.erase(taken_.begin());
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() {
    for (const int fd : taken_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    auto made = listen_on(Address(IpAddress::parse("127.0.0.1").value(), 0), {});
    EXPECT_TRUE(made);
    door_ = made.value_or(-1);
    where_ = Address::local_of(door_);
  }

  /// A client that has connected.
  int connect() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, where_.data(), where_.size()), 0);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }

  rt::Reactor reactor_;
  int door_ = -1;
  Address where_;
};

// The undefined-behaviour sanitizer opens a pipe to see whether memory may be read, and takes failure for a no.
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SLUICE_NEEDS_DESCRIPTORS GTEST_SKIP() << "the sanitizer needs descriptors"
#else
#define SLUICE_NEEDS_DESCRIPTORS static_cast<void>(0)
#endif

TEST_F(ListenerTest, AReserveThatCouldNotBeHadIsHadLater) {
  SLUICE_NEEDS_DESCRIPTORS;
  log::flush();  // what is counted of earlier tests
  log::Capture capture;
  const int waiting = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::optional<Listener> listener;
  {
    const NoDescriptors none;
    listener.emplace(reactor_, door_);
  }
  int accepted = 0;
  Task<void> running = listener->run([&](int fd, const Address&) {
    ++accepted;
    ::close(fd);
  });
  running.start();
  const int first = connect();
  rt::turn_until(reactor_, [&] { return accepted == 1; });
  const auto began = std::chrono::steady_clock::now();
  {
    const NoDescriptors none;
    ASSERT_EQ(::connect(waiting, where_.data(), where_.size()), 0);
    ::fcntl(waiting, F_SETFL, O_NONBLOCK);
    char octet = 0;
    rt::turn_until(reactor_, [&] { return ::recv(waiting, &octet, 1, 0) == 0; });
    for (int i = 0; i < 25; ++i) reactor_.run_once(10);  // it goes on looking every 100 ms
  }
  EXPECT_EQ(accepted, 1);
  const std::string log = capture.text();
  std::int64_t lines = 0;
  for (auto at = log.find("out_of_descriptors"); at != log.npos; at = log.find("out_of_descriptors", at + 1)) ++lines;
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LE(lines, 1 + std::chrono::duration_cast<std::chrono::seconds>(took).count()) << "once a second";
  running = Task<void>::done();
  listener->close();
  ::close(first);
  ::close(waiting);
}

TEST_F(ListenerTest, LetsOthersHaveTheirTurnInARushOfClients) {
  Listener listener(reactor_, door_);
  std::vector<int> clients;
  clients.reserve(100);
  for (int i = 0; i < 100; ++i) clients.push_back(connect());
  int accepted = 0;
  Task<void> running = listener.run([&](int fd, const Address&) {
    ++accepted;
    ::close(fd);
  });
  running.start();
  reactor_.run_once(10);
  EXPECT_EQ(accepted, 64);
  EXPECT_TRUE(rt::turn_until(reactor_, [&] { return accepted == 100; }));
  running = Task<void>::done();
  listener.close();
  for (const int fd : clients) ::close(fd);
}

TEST_F(ListenerTest, AnAddressThatOthersShareIsNotUnused) {
  const auto shared = listen_on(where_, {});  // what a second gateway of the same user would get
  ASSERT_TRUE(shared);
  ::close(*shared);
  const auto unused = expect_unused(where_, true);
  ASSERT_FALSE(unused);
  EXPECT_EQ(unused.error().what, "cannot listen on " + where_.to_string() + ": bind: Address already in use");
  ::close(door_);
}

TEST_F(ListenerTest, WhatIsLeftOfEarlierConnectionsIsNoObstacle) {
  const int client = connect();
  const int served = ::accept(door_, nullptr, nullptr);
  ::close(door_);
  EXPECT_TRUE(expect_unused(where_, true)) << "a connection is still open";
  ::close(served);  // whoever closes first waits
  ::close(client);
  EXPECT_TRUE(expect_unused(where_, true));
  const auto again = listen_on(where_, {});
  EXPECT_TRUE(again);
  ::close(again.value_or(-1));
}

}  // namespace
}  // namespace sluice::net
