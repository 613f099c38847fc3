// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/handshake_line.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls/tls_fixture.h"

namespace sluice::control::cluster {
namespace {

using testing::HasSubstr;

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}

class HandshakeLineTest : public net::tls::TlsTest {
 protected:
  /// A connection that has been accepted, and what it does until its handshake would be done.
  class Client {
   public:
    Client(rt::Reactor& reactor, HandshakeLine& line, const std::string& from) {
      std::array<int, 2> fds{};
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
      stream_.attach(reactor, fds[0]);
      other_ = fds[1];
      turn_.emplace(line, stream_, address(from));
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
      finish();
      if (other_ >= 0) ::close(other_);
    }

    Client& say(std::string_view octets) {
      EXPECT_EQ(::write(other_, octets.data(), octets.size()), static_cast<ssize_t>(octets.size()));
      return *this;
    }
    Client& come() {
      coming_.emplace(turn_->come());
      coming_->start();
      return *this;
    }
    /// The handshake is done, or has failed.
    void finish() {
      coming_.reset();
      turn_.reset();
    }
    void hang_up() { ::close(std::exchange(other_, -1)); }
    [[nodiscard]] bool has_come() const { return coming_->ready(); }
    Result<> outcome() { return coming_->take(); }
    /// Whether our end was shut down.
    [[nodiscard]] bool is_cut() const {
      char octet = 0;
      return ::recv(other_, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    }

   private:
    net::Stream stream_;
    int other_ = -1;
    std::optional<HandshakeLine::Turn> turn_;
    std::optional<Task<Result<>>> coming_;
  };

  /// What a client says first.
  std::string hello() {
    auto connecting = net::tls::connect(client, client_context(), "one.test", reactor.after_ms(5000));
    connecting.start();
    std::string octets(4096, '\0');
    ssize_t size = 0;
    rt::turn_until(reactor, [&] {
      size = ::recv(server.fd(), octets.data(), octets.size(), MSG_PEEK);
      return size > 0;
    });
    octets.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return octets;
  }
  std::unique_ptr<Client> comes(const std::string& from, std::string_view saying) {
    auto made = std::make_unique<Client>(reactor, *line, from);
    if (!saying.empty()) made->say(saying);
    made->come();
    return made;
  }
  void make_line(HandshakeLine::Limits limits) { line = std::make_unique<HandshakeLine>(reactor, limits); }
  bool in_the_end(const std::function<bool()>& state) { return rt::turn_until(reactor, state); }

  std::unique_ptr<HandshakeLine> line;
  std::string said;
  void SetUp() override {
    TlsTest::SetUp();
    said = hello();
    make_line({});
  }
};

TEST_F(HandshakeLineTest, WhoHasSaidHisHelloComesAtOnce) {
  const auto one = comes("192.0.2.1", said);
  EXPECT_TRUE(one->has_come() && one->outcome());
  EXPECT_EQ(line->under_way(), 1);
  one->finish();
  EXPECT_EQ(line->under_way(), 0);
}

TEST_F(HandshakeLineTest, WhoSaysNothingTakesNoTurnAndIsLetGo) {
  make_line({.hello = Millis(30)});
  const auto silent = comes("192.0.2.1", "");
  const auto halfway = comes("192.0.2.1", said.substr(0, 100));
  EXPECT_EQ(line->silent(), 2);
  ASSERT_TRUE(in_the_end([&] { return silent->has_come() && halfway->has_come(); }));
  EXPECT_EQ(silent->outcome().error().code, Errc::Timeout);
  EXPECT_EQ(halfway->outcome().error().code, Errc::Timeout);
  EXPECT_EQ(line->under_way() + line->silent(), 0);
}

TEST_F(HandshakeLineTest, WhoSpeaksNoTlsNeedsNoTurn) {
  make_line({.under_way = 0});
  const auto plain = comes("192.0.2.1", "GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(plain->has_come() && plain->outcome());
}

TEST_F(HandshakeLineTest, TheOthersComeInTheOrderOfArrival) {
  make_line({.under_way = 1});
  std::vector<std::unique_ptr<Client>> clients;
  clients.reserve(4);
  for (int i = 0; i < 4; ++i) clients.push_back(comes("192.0.2.1", said));
  EXPECT_EQ(line->waiting(), 3);
  for (std::size_t i = 0; i + 1 < clients.size(); ++i) {
    EXPECT_FALSE(clients[i + 1]->has_come());
    clients[i]->finish();
    ASSERT_TRUE(in_the_end([&] { return clients[i + 1]->has_come(); }));
    EXPECT_TRUE(clients[i + 1]->outcome());
  }
  EXPECT_EQ(line->waiting(), 0);
}

TEST_F(HandshakeLineTest, OneAddressNeverHasAllTurns) {
  make_line({.under_way = 3, .under_way_of_one = 2});
  std::vector<std::unique_ptr<Client>> many;
  many.reserve(9);
  for (int i = 0; i < 9; ++i) many.push_back(comes("192.0.2.1", said));
  EXPECT_EQ(line->under_way(), 2);
  EXPECT_TRUE(comes("192.0.2.2", said)->has_come());
}

TEST_F(HandshakeLineTest, AddressesHaveTheirTurnsOneAfterTheOther) {
  make_line({.under_way = 1});
  auto first = comes("192.0.2.1", said);
  std::vector<std::unique_ptr<Client>> many;
  many.reserve(9);
  for (int i = 0; i < 9; ++i) many.push_back(comes("192.0.2.1", said));
  const auto other = comes("192.0.2.2", said);
  first->finish();
  many[0]->finish();
  ASSERT_TRUE(in_the_end([&] { return other->has_come(); }));
  EXPECT_FALSE(many[1]->has_come());
}

TEST_F(HandshakeLineTest, ANetworkOfIpv6CountsAsOneAddress) {
  make_line({.under_way_of_one = 1});
  const auto one = comes("2001:db8::1", said);
  EXPECT_FALSE(comes("2001:db8::2", said)->has_come());
  EXPECT_TRUE(comes("2001:db8:0:1::2", said)->has_come());
}

TEST_F(HandshakeLineTest, ATurnThatTakesLongIsPassedOn) {
  make_line({.under_way = 1, .turn = Millis(30)});
  const auto slow = comes("192.0.2.1", said);
  const auto next = comes("192.0.2.1", said);
  EXPECT_FALSE(next->has_come());
  ASSERT_TRUE(in_the_end([&] { return next->has_come(); }));
  EXPECT_FALSE(slow->is_cut());
  EXPECT_EQ(line->under_way(), 1);
}

TEST_F(HandshakeLineTest, OfThoseWhoAreSilentTheOldestGoes) {
  make_line({.silent = {.all = 3, .of_one = 2}});
  const auto other = comes("192.0.2.9", "");
  const auto first = comes("192.0.2.1", "");
  const auto second = comes("192.0.2.1", "");
  const auto third = comes("192.0.2.1", "");
  EXPECT_TRUE(first->is_cut());
  ASSERT_TRUE(in_the_end([&] { return first->has_come(); }));
  EXPECT_EQ(first->outcome().error().code, Errc::Closed);
  const auto last = comes("192.0.2.7", "");
  EXPECT_TRUE(other->is_cut());
  EXPECT_FALSE(second->is_cut() || third->is_cut() || last->is_cut());
  second->say(said);
  ASSERT_TRUE(in_the_end([&] { return second->has_come(); }));
  EXPECT_TRUE(second->outcome());
}

TEST_F(HandshakeLineTest, OnlySoManyWait) {
  make_line({.under_way = 1, .waiting = 3, .waiting_of_one = 2});
  const auto first = comes("192.0.2.1", said);
  std::vector<std::unique_ptr<Client>> many;
  many.reserve(3);
  for (int i = 0; i < 3; ++i) many.push_back(comes("192.0.2.1", said));
  ASSERT_TRUE(many.back()->has_come());
  EXPECT_EQ(many.back()->outcome().error().code, Errc::Refused);
  EXPECT_FALSE(comes("192.0.2.2", said)->has_come());
  EXPECT_EQ(line->waiting(), 2);  // whoever goes makes room
}

TEST_F(HandshakeLineTest, NobodyWaitsForEver) {
  make_line({.under_way = 1, .patience = Millis(30)});
  const auto first = comes("192.0.2.1", said);
  const auto second = comes("192.0.2.1", said);
  ASSERT_TRUE(in_the_end([&] { return second->has_come(); }));
  EXPECT_EQ(second->outcome().error().code, Errc::Timeout);
  EXPECT_EQ(line->waiting(), 0);
}

TEST_F(HandshakeLineTest, WhoHasLeftBeforeHisTurnCostsNoHandshake) {
  make_line({.under_way = 1});
  const auto first = comes("192.0.2.1", said);
  const auto second = comes("192.0.2.1", said);
  second->hang_up();
  reactor.run_once(1);
  first->finish();
  ASSERT_TRUE(in_the_end([&] { return second->has_come(); }));
  EXPECT_EQ(second->outcome().error().code, Errc::Closed);
}

}  // namespace
}  // namespace sluice::control::cluster
