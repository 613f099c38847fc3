// SPDX-License-Identifier: Apache-2.0
#include "net/quic/endpoint.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "rt/shards.h"
#include "rt/test_loop.h"

namespace sluice::net::quic {
namespace {

/// Lets nobody in, and notes who wanted to come.
struct ClosedHost final : Host {
  Welcome judge(const Address&, bool validated) override {
    (validated ? proven : asked)++;
    return welcome;
  }
  Connection* arrive(Endpoint&, const Arrival&) override { return nullptr; }
  TlsTerms tls() override { return {}; }

  Welcome welcome = Welcome::No;
  int asked = 0;
  int proven = 0;
};

class QuicEndpoint : public ::testing::Test {
 protected:
  static int bound() { return *bind_udp(Address(*IpAddress::parse("127.0.0.1"), 0), {.tell_local = true}); }
  QuicEndpoint() { client.attach(reactor, *connect_udp(Address::local_of(socket))); }

  void send(const std::string& datagram) {
    const OutgoingView view{.bytes = datagram};
    ASSERT_EQ(client.send({&view, 1}).state, UdpSocket::State::Moved);
  }
  std::string answer() {
    std::string text;
    rt::turn_until(reactor, [&] {
      if (client.receive(batch) != UdpSocket::State::Moved) return false;
      const auto bytes = batch.datagrams().front().bytes;
      text.assign(bytes.begin(), bytes.end());
      return true;
    });
    return text;
  }
  /// Nothing comes back while the endpoint reads what was sent before `next`.
  void expect_silence_until(const std::string& next) {
    send(next);
    EXPECT_EQ(answer().substr(1, 4), std::string(4, '\0'));  // the answer to `next`, a list of versions
  }
  static std::string of_unknown_version(std::size_t size = 1200) {
    std::string datagram = "\xC0\x1A\x2A\x3A\x4A\x08" + std::string(8, 'd') + "\x08" + std::string(8, 's');
    datagram.resize(size);
    return datagram;
  }
  static std::string short_header(std::string_view id, std::size_t size = 100) {
    std::string datagram = "\x40" + std::string(id);
    datagram.resize(size, 'x');
    return datagram;
  }

  rt::Reactor reactor;
  rt::Shards shards{2};
  Group group{shards};
  ClosedHost host;
  int socket = bound();
  Endpoint endpoint{reactor, socket, group, 0, host};
  UdpSocket client;
  DatagramBatch batch;
};

TEST_F(QuicEndpoint, TellsWhichVersionsItSpeaks) {
  send(of_unknown_version());
  const std::string text = answer();
  EXPECT_NE(text[0] & 0x80, 0);
  EXPECT_EQ(text.substr(1), std::string(4, '\0') + "\x08" + std::string(8, 's') + "\x08" + std::string(8, 'd') +
                                std::string("\0\0\0\1", 4));
}

TEST_F(QuicEndpoint, AnswersNothingThatIsLongerThanItsQuestion) {
  send(of_unknown_version(1199));
  send("");
  send("\xC0");
  send(std::string(40, '\x40'));
  expect_silence_until(of_unknown_version());
}

TEST_F(QuicEndpoint, ResetsAConnectionThatItHadAndHasNotAnyMore) {
  const ngtcp2_cid id = group.ids().issue(0);
  send(short_header(octets_of(id)));
  const std::string text = answer();
  const auto token = group.ids().reset_token(id);
  EXPECT_LT(text.size(), 100U);
  EXPECT_EQ(text.substr(text.size() - token.size()),
            std::string(reinterpret_cast<const char*>(token.data()), token.size()));
}

TEST_F(QuicEndpoint, IsSilentToIdsThatItHasNotIssued) {
  send(short_header(std::string(18, 'i')));
  send(short_header(octets_of(ConnectionIds().issue(0))));
  expect_silence_until(of_unknown_version());
}

TEST_F(QuicEndpoint, PassesOnWhatIsForAnotherShardAndAnswersNothingItself) {
  send(short_header(octets_of(group.ids().issue(1))));
  expect_silence_until(of_unknown_version());
}

TEST_F(QuicEndpoint, DropsWhatIsForAShardThatDoesNotExist) {
  send(short_header(octets_of(group.ids().issue(7))));
  expect_silence_until(of_unknown_version());
}

TEST_F(QuicEndpoint, AnswersWithoutAConnectionOnlySoOften) {
  for (int i = 0; i < 3000; ++i) {
    send(of_unknown_version());
    if (i % 50 == 0) reactor.run_once(0);
  }
  std::size_t answers = 0;
  for (int turns = 0; turns < 100; ++turns) {
    reactor.run_once(0);
    while (client.receive(batch) == UdpSocket::State::Moved) answers += batch.datagrams().size();
  }
  EXPECT_LE(answers, 2000U);  // of two seconds at most
}

TEST_F(QuicEndpoint, IsSilentOnceItDrains) {
  endpoint.drain();
  send(of_unknown_version());
  for (int turns = 0; turns < 20; ++turns) reactor.run_once(1);
  EXPECT_NE(client.receive(batch), UdpSocket::State::Moved);
}

/// The process before: all datagrams are its own.
struct Elder final : Succession::Member {
  [[nodiscard]] bool take_inherited(const DatagramView& datagram) override {
    taken.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
    return true;
  }
  void take_back(const DatagramView&) override {}
  void stop_reading() override {}
  void read_again() override {}
  [[nodiscard]] bool is_busy() const override { return true; }

  std::vector<std::string> taken;
};

TEST_F(QuicEndpoint, AsksTheProcessBeforeAboutConnectionsThatAreNotItsOwn) {
  Succession before(reactor), now(reactor);
  Group fresh(shards);
  fresh.lend(0, now);
  const int bound_socket = bound();
  const Address where = Address::local_of(bound_socket);
  Endpoint successor(reactor, bound_socket, fresh, 0, host);
  Elder elder;
  before.join(where, elder);
  const auto ends = Succession::make_channel();
  before.make_way(ends->first);
  now.follow(ends->second);
  client.close();
  client.attach(reactor, *connect_udp(where));
  const std::string foreign = short_header(octets_of(group.ids().issue(0)));
  send(short_header(octets_of(fresh.ids().issue(0))));  // of one that it had itself
  send(foreign);
  rt::turn_until(reactor, [&] { return !elder.taken.empty(); });
  EXPECT_EQ(elder.taken, std::vector<std::string>{foreign});
}

TEST_F(QuicEndpoint, ReadsNothingWhenAnotherProcessDoes) {
  Succession now(reactor);
  Group fresh(shards);
  fresh.lend(0, now);
  const int bound_socket = bound();
  const Address where = Address::local_of(bound_socket);
  Endpoint predecessor(reactor, bound_socket, fresh, 0, host);
  const auto ends = Succession::make_channel();
  now.make_way(ends->first);
  Succession next(reactor);
  next.follow(ends->second);
  for (int turns = 0; turns < 10; ++turns) reactor.run_once(1);
  client.close();
  client.attach(reactor, *connect_udp(where));
  send(of_unknown_version());
  for (int turns = 0; turns < 10; ++turns) reactor.run_once(1);
  EXPECT_NE(client.receive(batch), UdpSocket::State::Moved);
  now.stay();
  EXPECT_FALSE(answer().empty()) << "it reads again, what came meanwhile too";
}

}  // namespace
}  // namespace sluice::net::quic
