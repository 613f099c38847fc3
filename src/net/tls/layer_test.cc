// SPDX-License-Identifier: Apache-2.0
#include "net/tls/layer.h"

#include <array>
#include <string>

#include "net/tls/tls_fixture.h"

namespace sluice::net::tls {
namespace {

class LayerTest : public TlsTest {
 public:
  void establish(int buffer_size = 0) {
    open_pair(buffer_size);
    ASSERT_TRUE(shake_hands().ok());
  }
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
  }
  /// Reads ciphertext past the layer, as a wire tap would.
  static std::string tap(Stream& stream) {
    std::string all(1 << 20, '\0');
    const ssize_t got = ::recv(stream.fd(), all.data(), all.size(), MSG_PEEK | MSG_DONTWAIT);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }
};

TEST_F(LayerTest, CarriesDataBothWays) {
  establish();
  EXPECT_EQ(transfer(client, server, "GET / HTTP/1.1\r\n\r\n"), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(transfer(server, client, "HTTP/1.1 200 OK\r\n\r\n"), "HTTP/1.1 200 OK\r\n\r\n");
}

TEST_F(LayerTest, CarriesMegabytesThroughASocketThatTakesLittle) {
  establish(4096);
  const std::string data = pattern(3 << 20);
  EXPECT_TRUE(transfer(server, client, data) == data);
  EXPECT_TRUE(transfer(client, server, data) == data);
}

TEST_F(LayerTest, GathersTheWholeWriteIntoOneSendWithFullRecords) {
  establish();
  const std::string head(150, 'h');
  const std::string body = pattern(40'000);
  const std::array<iovec, 2> parts = {iovec{const_cast<char*>(head.data()), head.size()},
                                      iovec{const_cast<char*>(body.data()), body.size()}};
  ASSERT_EQ(transfer(server, client, "x"), "x");  // the session ticket is out of the way
  Io io = server.write(parts);
  ASSERT_TRUE(io.moved());
  EXPECT_EQ(io.octets, head.size() + body.size());
  EXPECT_EQ(tap(client).size(), head.size() + body.size() + 3 * 22);  // three records
  auto text = rt::run(reactor, receive(client, head.size() + body.size(), reactor.after_ms(2000)));
  EXPECT_TRUE(text == head + body);
}

TEST_F(LayerTest, EmptyPartsAreSkipped) {
  establish();
  const std::string text = "abc";
  const std::array<iovec, 4> parts = {iovec{nullptr, 0}, iovec{const_cast<char*>(text.data()), 1}, iovec{nullptr, 0},
                                      iovec{const_cast<char*>(text.data()) + 1, 2}};
  EXPECT_EQ(server.write(parts).octets, 3U);
  EXPECT_EQ(rt::run(reactor, receive(client, 3, reactor.after_ms(2000))), "abc");
}

TEST_F(LayerTest, ABurstOfSmallRecordsIsReadAtOnce) {
  establish();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client.write("0123456789").moved());
  std::array<char, 4096> piece{};
  Io io = next_read(server, piece);
  EXPECT_EQ(io.octets, 1000U);
  EXPECT_FALSE(server.layer()->has_input());
}

TEST_F(LayerTest, SmallReadersKeepTheRestForLater) {
  establish();
  const std::string data = pattern(100'000);
  ASSERT_TRUE(client.write(data).moved());
  std::string got;
  std::array<char, 700> piece{};
  Io io = next_read(server, piece);
  while (io.moved()) {
    got.append(piece.data(), io.octets);
    if (got.size() == data.size()) break;
    EXPECT_TRUE(server.has_input()) << got.size();
    io = next_read(server, piece);
  }
  EXPECT_TRUE(got == data);
}

TEST_F(LayerTest, AHalfRecordIsNoInput) {
  establish();
  ASSERT_EQ(transfer(server, client, "x"), "x");
  Stream& wire = client;
  ASSERT_TRUE(server.write(pattern(1000)).moved());
  const std::string record = tap(wire);
  // Give the client its own record back in two halves, through a pair that carries only ciphertext.
  std::string all(record.size(), '\0');
  ASSERT_EQ(::recv(wire.fd(), all.data(), all.size(), 0), static_cast<ssize_t>(record.size()));
  ASSERT_EQ(::send(server.fd(), all.data(), 500, 0), 500);
  std::array<char, 4096> piece{};
  for (int i = 0; i < 3; ++i) {
    reactor.run_once(1);
    EXPECT_TRUE(client.read(piece).blocked());
  }
  EXPECT_FALSE(client.layer()->has_input());
  ASSERT_GT(::send(server.fd(), all.data() + 500, all.size() - 500, 0), 0);
  EXPECT_EQ(next_read(client, piece).octets, 1000U);
}

TEST_F(LayerTest, WhatTheSocketDoesNotTakeWaitsAndIsFlushed) {
  establish(4096);
  const std::string data = pattern(60'000);
  Io io = server.write(data);
  ASSERT_TRUE(io.moved());
  EXPECT_EQ(io.octets, data.size());
  EXPECT_TRUE(server.layer()->flush(server).blocked());
  EXPECT_TRUE(server.write("more").blocked());
  auto flushing = server.flush(reactor.after_ms(5000));
  flushing.start();
  EXPECT_TRUE(rt::run(reactor, receive(client, data.size(), reactor.after_ms(5000))) == data);
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return flushing.ready(); }));
  EXPECT_TRUE(flushing.take());
}

TEST_F(LayerTest, TheSessionTicketTravelsWithTheFirstAnswer) {
  establish();
  EXPECT_EQ(tap(client).size(), 0U);
  ASSERT_TRUE(server.write("hello").moved());
  EXPECT_GT(tap(client).size(), 100U);
}

TEST_F(LayerTest, CloseNotifyIsACleanEnd) {
  establish();
  ASSERT_TRUE(client.write("bye").moved());
  client.shut_down_write();
  std::array<char, 64> piece{};
  EXPECT_EQ(next_read(server, piece).octets, 3U);
  EXPECT_EQ(next_read(server, piece).state, Io::State::Closed);
  EXPECT_EQ(next_read(server, piece).state, Io::State::Closed);
  EXPECT_TRUE(server.write("still here").moved());
}

TEST_F(LayerTest, ATruncatedStreamIsAFailure) {
  establish();
  ASSERT_TRUE(client.write("cut").moved());
  ::shutdown(client.fd(), SHUT_WR);
  std::array<char, 64> piece{};
  EXPECT_EQ(next_read(server, piece).octets, 3U);
  EXPECT_EQ(next_read(server, piece).state, Io::State::Failed);
}

TEST_F(LayerTest, TamperedRecordsAreAFailure) {
  establish();
  const std::string junk(
      "\x17\x03\x03\x00\x20"
      "01234567890123456789012345678901",
      37);
  ASSERT_EQ(::send(client.fd(), junk.data(), junk.size(), 0), static_cast<ssize_t>(junk.size()));
  std::array<char, 64> piece{};
  EXPECT_EQ(next_read(server, piece).state, Io::State::Failed);
  EXPECT_EQ(server.write("x").state, Io::State::Failed);
}

TEST_F(LayerTest, KeyUpdatesAreAnswered) {
  establish();
  auto* layer = static_cast<TlsLayer*>(client.layer());
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(SSL_key_update(layer->handle(), SSL_KEY_UPDATE_REQUESTED), 1);
    EXPECT_EQ(transfer(client, server, "ping"), "ping");
    EXPECT_EQ(transfer(server, client, "pong"), "pong");
  }
}

TEST_F(LayerTest, ConnectionsKeepTheirSessionAfterAHardClose) {
  auto server_side = server_context();
  auto client_side = client_context();
  ASSERT_TRUE(shake_hands(server_side, client_side).ok());
  EXPECT_EQ(transfer(server, client, "x"), "x");
  server.abort();
  client.close();
  open_pair();
  ASSERT_TRUE(shake_hands(server_side, client_side).ok());
  EXPECT_TRUE(server.layer()->info().resumed);
}

}  // namespace
}  // namespace sluice::net::tls
