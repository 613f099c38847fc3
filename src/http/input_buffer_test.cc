// SPDX-License-Identifier: Apache-2.0
#include "http/input_buffer.h"

#include <string>

#include "http/socket_fixture.h"

namespace sluice::http {
namespace {

/// Two connections on one reactor, which share its buffer.
class InputBufferTest : public testing::Test {
 protected:
  struct Connection {
    explicit Connection(rt::Reactor& shared) : Connection(shared, local_pair()) {}
    Connection(rt::Reactor& shared, std::pair<int, int> fds) : peer(shared, fds.second), input(shared) {
      stream.attach(shared, fds.first);
    }
    void receive(std::string_view bytes) {
      peer.say(bytes);
      wait_for_input(stream.reactor(), stream);
      EXPECT_TRUE(input.fill(stream).moved());
    }
    Peer peer;
    net::Stream stream;
    InputBuffer input;
  };

  rt::Reactor reactor;
  Connection one{reactor};
  Connection two{reactor};
};

TEST_F(InputBufferTest, HoldsWhatWasReceivedUntilItIsConsumed) {
  one.receive("hello world");
  EXPECT_EQ(one.input.pending(), "hello world");
  one.input.consume(6);
  EXPECT_EQ(one.input.pending(), "world");
  one.input.consume(5);
  EXPECT_TRUE(one.input.empty());
}

TEST_F(InputBufferTest, AppendsToWhatIsLeft) {
  one.receive("first ");
  one.input.consume(1);
  one.receive("second");
  EXPECT_EQ(one.input.pending(), "irst second");
}

TEST_F(InputBufferTest, ReadsIntoTheSharedBuffer) {
  one.receive("hello");
  const char* shared = one.input.pending().data();
  one.input.consume(5);
  two.receive("other");
  EXPECT_EQ(two.input.pending().data(), shared);
}

TEST_F(InputBufferTest, KeepsItsOctetsWhenAnotherConnectionTakesTheBuffer) {
  one.receive("mine, all mine");
  one.input.consume(6);
  two.receive("the other connection's octets");
  EXPECT_EQ(one.input.pending(), "all mine");
  EXPECT_EQ(two.input.pending(), "the other connection's octets");
  one.receive(", still");
  EXPECT_EQ(one.input.pending(), "all mine, still");
  EXPECT_EQ(two.input.pending(), "the other connection's octets");
}

TEST_F(InputBufferTest, LeavesTheBufferToOthersWhenDestroyed) {
  {
    Connection brief(reactor);
    brief.receive("gone soon");
  }
  one.receive("fine");
  EXPECT_EQ(one.input.pending(), "fine");
}

TEST_F(InputBufferTest, TakesOctetsThatWereReadElsewhere) {
  one.input.seed("GET ");
  one.input.seed("/ ");
  one.receive("HTTP/1.1");
  EXPECT_EQ(one.input.pending(), "GET / HTTP/1.1");
}

TEST_F(InputBufferTest, SaysWhenThePeerHasEnded) {
  one.peer.end();
  wait_for_input(reactor, one.stream);
  EXPECT_EQ(one.input.fill(one.stream).state, net::Io::State::Closed);
}

}  // namespace
}  // namespace sluice::http
