// SPDX-License-Identifier: Apache-2.0
#include "net/udp_socket.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt/test_loop.h"

namespace sluice::net {
namespace {

Address loopback(std::uint16_t port) {
  return {*IpAddress::parse("127.0.0.1"), port};
}

std::span<const char> bytes_of(const std::string& text) {
  return {text.data(), text.size()};
}

class Udp : public ::testing::Test {
 protected:
  Udp() {
    const Result<int> bound = bind_udp(Address(*IpAddress::parse("0.0.0.0"), 0), {.tell_local = true});
    EXPECT_TRUE(bound);
    server.attach(reactor, *bound);
    port = Address::local_of(server.fd()).port();
    client.attach(reactor, *connect_udp(loopback(port)));
  }
  /// Everything that comes to `socket` until there are `count` datagrams.
  std::vector<std::string> heard(UdpSocket& socket, std::size_t count) {
    std::vector<std::string> texts;
    rt::turn_until(reactor, [&] {
      while (socket.receive(batch) == UdpSocket::State::Moved) {
        for (const DatagramView& view : batch.datagrams()) {
          const std::size_t step = view.segment == 0 ? std::max<std::size_t>(view.bytes.size(), 1) : view.segment;
          std::size_t at = 0;
          do {
            texts.emplace_back(view.bytes.data() + at, std::min(step, view.bytes.size() - at));
            at += step;
          } while (at < view.bytes.size());
          last_peer = view.peer;
          last_local = view.local;
          if (view.segment != 0) trains++;
        }
      }
      return texts.size() >= count;
    });
    return texts;
  }

  rt::Reactor reactor;
  UdpSocket server, client;
  std::uint16_t port = 0;
  DatagramBatch batch;
  Address last_peer, last_local;
  int trains = 0;
};

TEST_F(Udp, ManyDatagramsTakeOneCallAndKeepTheirBoundaries) {
  const std::vector<std::string> texts = {"one", "", "three"};
  std::vector<OutgoingView> outgoing;
  outgoing.reserve(texts.size());
  for (const std::string& text : texts) outgoing.push_back({.bytes = bytes_of(text)});
  EXPECT_EQ(client.send(outgoing).count, 3U);
  EXPECT_EQ(heard(server, 3), texts);
}

TEST_F(Udp, SaysWhereADatagramArrivedAndAnswersFromThere) {
  const std::string question = "?", answer = "!";
  const OutgoingView asked{.bytes = bytes_of(question)};
  client.send({&asked, 1});
  heard(server, 1);
  EXPECT_EQ(last_local, loopback(port)) << "though it is bound to every address";
  const OutgoingView told{.bytes = bytes_of(answer), .peer = &last_peer, .local = &last_local};
  EXPECT_EQ(server.send({&told, 1}).count, 1U);
  EXPECT_EQ(heard(client, 1).front(), "!") << "a connected socket hears nobody else";
}

TEST_F(Udp, ATrainArrivesAsTheDatagramsThatItIsMadeOf) {
  const std::string train(2500, 'x');
  const OutgoingView sent{.bytes = bytes_of(train), .segment = 1000};
  EXPECT_EQ(client.send({&sent, 1}).count, 1U);
  const std::vector<std::string> texts = heard(server, 3);
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_EQ(texts[0].size(), 1000U);
  EXPECT_EQ(texts[2].size(), 500U);
}

TEST_F(Udp, MoreThanOneCallTakesIsSentInSeveral) {
  const std::string text = "x";
  const std::vector<OutgoingView> outgoing(100, {.bytes = bytes_of(text)});
  EXPECT_EQ(client.send(outgoing).count, 100U);
  EXPECT_EQ(heard(server, 100).size(), 100U);
}

TEST_F(Udp, ARefusalOfThePeerIsAFailure) {
  server.close();
  const std::string text = "x";
  const OutgoingView one{.bytes = bytes_of(text)};
  client.send({&one, 1});
  UdpSocket::State state = UdpSocket::State::Blocked;
  rt::turn_until(reactor, [&] {
    state = client.receive(batch);
    return state != UdpSocket::State::Blocked;
  });
  EXPECT_EQ(state, UdpSocket::State::Failed);
}

TEST_F(Udp, ARefusalThatSendingHasHeardOfIsStillOneToTheReader) {
  server.close();
  const std::string text = "x";
  const OutgoingView one{.bytes = bytes_of(text)};
  client.send({&one, 1});
  rt::turn_until(reactor, [&] { return client.is_broken(); });
  EXPECT_EQ(client.send({&one, 1}).error, ECONNREFUSED) << "told once";
  EXPECT_EQ(client.receive(batch), UdpSocket::State::Failed);
}

TEST_F(Udp, WhatIsTooLargeIsNamedAndTheOthersGoOn) {
  const std::string huge(66'000, 'x'), small = "y";
  const std::vector<OutgoingView> outgoing = {{.bytes = bytes_of(huge)}, {.bytes = bytes_of(small)}};
  const UdpSocket::Sent sent = client.send(outgoing);
  EXPECT_EQ(sent.state, UdpSocket::State::Failed);
  EXPECT_EQ(sent.count, 0U);
  EXPECT_EQ(sent.error, EMSGSIZE);
  EXPECT_EQ(client.send(std::span(outgoing).subspan(1)).count, 1U);
}

TEST(UdpV6, TellsTheAddressToo) {
  rt::Reactor reactor;
  const Result<int> bound = bind_udp(Address(*IpAddress::parse("::1"), 0), {.tell_local = true});
  if (!bound) GTEST_SKIP() << "no IPv6 here";
  UdpSocket server, client;
  server.attach(reactor, *bound);
  const Address where = Address::local_of(server.fd());
  client.attach(reactor, *connect_udp(where));
  const std::string text = "six";
  const OutgoingView one{.bytes = bytes_of(text)};
  client.send({&one, 1});
  DatagramBatch batch;
  rt::turn_until(reactor, [&] { return server.receive(batch) == UdpSocket::State::Moved; });
  EXPECT_EQ(batch.datagrams().front().local, where);
}

}  // namespace
}  // namespace sluice::net
