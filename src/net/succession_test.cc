// SPDX-License-Identifier: Apache-2.0
#include "net/succession.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "rt/test_loop.h"

namespace sluice::net {
namespace {

/// What one process serves at the address.
struct Desk final : Succession::Member {
  [[nodiscard]] bool take_inherited(const DatagramView& datagram) override {
    const std::string text(datagram.bytes.begin(), datagram.bytes.end());
    if (!sessions.contains(text)) return false;
    last = datagram;
    taken.push_back(text);
    return true;
  }
  void take_back(const DatagramView& datagram) override {
    last = datagram;
    back.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
  }
  void stop_reading() override { reads = false; }
  void read_again() override { reads = true; }
  [[nodiscard]] bool is_busy() const override { return busy; }

  std::set<std::string> sessions;
  std::vector<std::string> taken, back;
  DatagramView last;  // without its octets
  bool reads = true;
  bool busy = true;
};

class SuccessionTest : public testing::Test {
 protected:
  struct Process {
    explicit Process(rt::Reactor& reactor) : succession(reactor) { succession.join(address(5353), desk); }
    Desk desk;
    Succession succession;
  };
  static Address address(std::uint16_t port) { return {*IpAddress::parse("127.0.0.1"), port}; }
  static void replace(Process& old, Process& by) {
    const auto ends = Succession::make_channel();
    ASSERT_TRUE(ends);
    old.succession.make_way(ends->first);
    by.succession.follow(ends->second);
  }
  static Succession::Answer ask(Process& process, const std::string& text) {
    const DatagramView datagram{.peer = Address(*IpAddress::parse("2001:db8::7"), 4000),
                                .local = address(53),
                                .bytes = {text.data(), text.size()},
                                .segment = 1200,
                                .ecn = 2};
    return process.succession.ask(address(5353), datagram);
  }

  rt::Reactor reactor;
  Process first{reactor}, second{reactor}, third{reactor};
};

TEST_F(SuccessionTest, TheElderTakesDatagramsOfItsSessionsAsTheyArrived) {
  first.desk.sessions = {"mine"};
  replace(first, second);
  EXPECT_EQ(ask(second, "mine"), Succession::Answer::Asked);
  rt::turn_until(reactor, [&] { return !first.desk.taken.empty(); });
  EXPECT_EQ(first.desk.last.peer.to_string(), "[2001:db8::7]:4000");
  EXPECT_EQ(first.desk.last.local, address(53));
  EXPECT_EQ(first.desk.last.segment, 1200);
  EXPECT_EQ(first.desk.last.ecn, 2);
}

TEST_F(SuccessionTest, WhatIsNobodysComesBackInOrder) {
  first.desk.sessions = {"mine"};
  replace(first, second);
  for (const char* text : {"one", "mine", "two", ""}) EXPECT_EQ(ask(second, text), Succession::Answer::Asked);
  rt::turn_until(reactor, [&] { return second.desk.back.size() == 3; });
  EXPECT_EQ(second.desk.back, (std::vector<std::string>{"one", "two", ""}));
  EXPECT_EQ(first.desk.taken, std::vector<std::string>{"mine"});
}

TEST_F(SuccessionTest, TheElderReadsNothingFromTheHeirsFirstWordOn) {
  const auto ends = Succession::make_channel();
  first.succession.make_way(ends->first);
  for (int turns = 0; turns < 5; ++turns) reactor.run_once(1);
  EXPECT_TRUE(first.desk.reads) << "nobody else does yet";
  second.succession.follow(ends->second);
  rt::turn_until(reactor, [&] { return !first.desk.reads; });
}

TEST_F(SuccessionTest, ReadsAgainWhenThereIsNoHeirAfterAll) {
  replace(first, second);
  rt::turn_until(reactor, [&] { return !first.desk.reads; });
  first.succession.stay();
  EXPECT_TRUE(first.desk.reads);
  EXPECT_FALSE(first.succession.has_heir());
}

TEST_F(SuccessionTest, QuestionsAndAnswersArePassedOn) {
  first.desk.sessions = {"of the first"};
  second.desk.sessions = {"of the second"};
  replace(first, second);
  replace(second, third);
  for (const char* text : {"of the first", "of the second", "new"}) ask(third, text);
  rt::turn_until(reactor, [&] { return !third.desk.back.empty() && !first.desk.taken.empty(); });
  EXPECT_EQ(first.desk.taken, std::vector<std::string>{"of the first"});
  EXPECT_EQ(second.desk.taken, std::vector<std::string>{"of the second"});
  EXPECT_EQ(third.desk.back, std::vector<std::string>{"new"});
  EXPECT_TRUE(second.desk.back.empty()) << "it begins nothing any more";
}

TEST_F(SuccessionTest, AnElderThatHasNothingLeftIsAskedNoMore) {
  replace(first, second);
  ask(second, "new");
  first.desk.busy = false;
  rt::turn_until(reactor, [&] { return !second.succession.has_elder() && !first.succession.has_heir(); });
  EXPECT_EQ(second.desk.back, std::vector<std::string>{"new"}) << "what was asked before is answered";
  EXPECT_EQ(ask(second, "newer"), Succession::Answer::Alone);
  EXPECT_FALSE(first.desk.reads) << "the heir does";
}

TEST_F(SuccessionTest, AnElderThatHasDiedIsAskedNoMore) {
  const auto ends = Succession::make_channel();
  second.succession.follow(ends->second);
  ::close(ends->first);
  EXPECT_EQ(ask(second, "new"), Succession::Answer::Alone);
  rt::turn_until(reactor, [&] { return !second.succession.has_elder(); });
}

TEST_F(SuccessionTest, WithoutAnElderNobodyIsAsked) {
  EXPECT_EQ(ask(first, "new"), Succession::Answer::Alone);
}

TEST(SuccessionClock, AnElderThatHangsIsGivenUp) {
  auto manual = std::make_unique<rt::ManualClock>();
  rt::ManualClock& clock = *manual;
  rt::Reactor reactor(std::move(manual));
  Succession heir(reactor);
  const auto ends = Succession::make_channel();
  heir.follow(ends->second);
  const DatagramView datagram;
  EXPECT_EQ(heir.ask({}, datagram), Succession::Answer::Asked);
  clock.advance_ms(3000);
  EXPECT_EQ(heir.ask({}, datagram), Succession::Answer::Asked) << "its words may be there, and not read yet";
  clock.advance_ms(500);
  EXPECT_EQ(heir.ask({}, datagram), Succession::Answer::Alone);
  EXPECT_FALSE(heir.has_elder());
  ::close(ends->first);
}

}  // namespace
}  // namespace sluice::net
