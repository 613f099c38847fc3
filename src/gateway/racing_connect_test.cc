// SPDX-License-Identifier: Apache-2.0
#include "gateway/racing_connect.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/listener.h"

namespace sluice::gateway {
namespace {

net::Address at(std::string_view ip, std::uint16_t port = 80) {
  return {*IpAddress::parse(ip), port};
}

std::string texts(const std::vector<net::Address>& addresses) {
  std::string all;
  for (const net::Address& address : addresses) all.append(address.to_string()).append(" ");
  return all;
}

TEST(RacingConnect, FamiliesTakeTurns) {
  EXPECT_EQ(texts(in_racing_order({at("::1"), at("::2"), at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")})),
            "[::1]:80 10.0.0.1:80 [::2]:80 10.0.0.2:80 10.0.0.3:80 ");
  EXPECT_EQ(texts(in_racing_order({at("10.0.0.1"), at("::1")})), "10.0.0.1:80 [::1]:80 ");
  EXPECT_TRUE(in_racing_order({}).empty());
}

/// What connect_to_any comes to within the time; the reactor's clock is the system's.
Result<> outcome_of(std::vector<net::Address> addresses, net::Stream& stream, rt::Reactor& reactor, std::int64_t ms) {
  Task<Result<>> racing = connect_to_any(stream, reactor, std::move(addresses), reactor.after_ms(ms));
  racing.start();
  while (!racing.ready()) reactor.run_once(10);
  return racing.take();
}

TEST(RacingConnect, GoesOnAtOnceWhenAnAddressRefuses) {
  rt::Reactor reactor;
  const int listening = *net::listen_on(at("127.0.0.1", 0), {});
  const net::Address there = net::Address::local_of(listening);
  net::Stream stream;
  const std::int64_t began = reactor.clock().mono_ms();
  ASSERT_TRUE(outcome_of({at("127.0.0.1", 1), there}, stream, reactor, 5000));
  EXPECT_LT(reactor.clock().mono_ms() - began, 200);
  EXPECT_EQ(stream.peer().to_string(), there.to_string());
  ::close(listening);
}

TEST(RacingConnect, TriesTheNextBesideOneThatDoesNotAnswer) {
  rt::Reactor reactor;
  const int full = *net::listen_on(at("127.0.0.1", 0), {.backlog = 0});
  const net::Address silent = net::Address::local_of(full);
  net::Stream waiting[3];  // until the backlog takes no more
  for (net::Stream& stream : waiting) (void)outcome_of({silent}, stream, reactor, 50);
  const int listening = *net::listen_on(at("127.0.0.1", 0), {});
  net::Stream stream;
  const std::int64_t began = reactor.clock().mono_ms();
  ASSERT_TRUE(outcome_of({silent, net::Address::local_of(listening)}, stream, reactor, 5000));
  EXPECT_GE(reactor.clock().mono_ms() - began, 200) << "the first one has a moment alone";
  EXPECT_LT(reactor.clock().mono_ms() - began, 2000);
  ::close(listening);
  ::close(full);
}

TEST(RacingConnect, FailsWithTheLastErrorWhenAllRefuse) {
  rt::Reactor reactor;
  net::Stream stream;
  const Result<> outcome = outcome_of({at("127.0.0.1", 1), at("127.0.0.1", 2)}, stream, reactor, 5000);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::Refused);
  EXPECT_FALSE(stream.is_open());
}

}  // namespace
}  // namespace sluice::gateway
