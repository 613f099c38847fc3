// SPDX-License-Identifier: Apache-2.0
#include "net/tls/client_hello.h"

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "rt/test_loop.h"

namespace sluice::net::tls {
namespace {

/// What a real client says first.
std::string real_hello(const char* name) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  if (name != nullptr) SSL_set_tlsext_host_name(ssl.get(), name);
  SSL_connect(ssl.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return {data, static_cast<std::size_t>(size)};
}

/// The same content in records of `size` octets.
std::string in_pieces(const std::string& record, std::size_t size) {
  std::string out;
  for (std::size_t at = 5; at < record.size(); at += size) {
    const std::string piece = record.substr(at, size);
    out += std::string("\x16\x03\x01", 3) + static_cast<char>(piece.size() >> 8U) + static_cast<char>(piece.size()) +
           piece;
  }
  return out;
}

std::string sni_of(const std::string& bytes) {
  auto hello = parse_client_hello(bytes);
  if (!hello) return "error: " + hello.error().what;
  return *hello ? (*hello)->sni : "more";
}

TEST(ClientHello, NamesTheHostInLowerCase) {
  EXPECT_EQ(sni_of(real_hello("DB.Example.Test")), "db.example.test");
}

TEST(ClientHello, MayNameNobody) {
  EXPECT_EQ(sni_of(real_hello(nullptr)), "");
}

TEST(ClientHello, EveryBeginningAsksForMore) {
  const std::string whole = real_hello("example.test");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(sni_of(whole.substr(0, size)), "more") << size;
}

TEST(ClientHello, MayBeSpreadOverRecords) {
  const std::string whole = real_hello("example.test");
  EXPECT_EQ(sni_of(in_pieces(whole, 7)), "example.test");
  EXPECT_EQ(sni_of(in_pieces(whole, 1)), "example.test");
}

TEST(ClientHello, WhatIsNoTlsIsToldApart) {
  EXPECT_EQ(parse_client_hello("GET / HTTP/1.1\r\n").error().code, Errc::Unsupported);
  EXPECT_EQ(parse_client_hello("\x16\x02").error().code, Errc::Unsupported);
}

TEST(ClientHello, OtherMessagesAndBadLengthsAreRefused) {
  std::string bytes = real_hello("example.test");
  std::string server = bytes;
  server[5] = 2;
  EXPECT_EQ(parse_client_hello(server).error().code, Errc::Invalid);
  std::string empty_record("\x16\x03\x01\0\0", 5);
  EXPECT_EQ(parse_client_hello(empty_record).error().code, Errc::Invalid);
  std::string huge("\x16\x03\x01\x40\x00\x01\x01\x00\x00", 9);
  EXPECT_EQ(parse_client_hello(huge).error().code, Errc::TooLarge);
  std::string longer = bytes;
  longer[8] = static_cast<char>(longer[8] - 1);  // the message ends before its record
  EXPECT_EQ(parse_client_hello(longer).error().code, Errc::Invalid);
  EXPECT_EQ(parse_client_hello(longer.substr(0, longer.size() - 1)).error().code, Errc::Invalid) << "known early";
}

TEST(ClientHello, MalformedNamesAreRefused) {
  const auto cut =
      base64_decode("FgMBADwBAAA4AwMREREREREREREREREREREREREREREREREREREREREREQAACMAvAJwALwA1AQAABwAA//8AAWE=");
  ASSERT_TRUE(cut);
  EXPECT_FALSE(parse_client_hello(*cut));
  std::string bytes = real_hello("example.test");
  bytes[bytes.find("example.test")] = '\0';
  EXPECT_FALSE(parse_client_hello(bytes));
}

TEST(ClientHello, IsLookedAtAndLeftInTheSocket) {
  rt::Reactor reactor;
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  Stream stream;
  stream.attach(reactor, ends[0]);
  const std::string whole = real_hello("example.test");
  Task<Result<ClientHello>> peeking = peek_client_hello(stream, reactor.after_ms(5000));
  peeking.start();
  for (const std::size_t from : {std::size_t{0}, whole.size() / 2}) {
    ASSERT_GT(::send(ends[1], whole.data() + from, from == 0 ? whole.size() / 2 : whole.size() - from, 0), 0);
    reactor.run_once(100);
  }
  rt::turn_until(reactor, [&] { return peeking.ready(); });
  const Result<ClientHello> hello = peeking.take();
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->sni, "example.test");
  std::string rest(whole.size(), 0);
  EXPECT_EQ(::recv(ends[0], rest.data(), rest.size(), 0), static_cast<ssize_t>(whole.size()));
  EXPECT_EQ(rest, whole);
  ::close(ends[1]);
}

TEST(ClientHello, AnEndWithinItAndSilenceAreErrors) {
  rt::Reactor reactor;
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  Stream stream;
  stream.attach(reactor, ends[0]);
  ::send(ends[1], "\x16\x03\x01", 3, 0);
  EXPECT_EQ(rt::run(reactor, peek_client_hello(stream, reactor.after_ms(30))).error().code, Errc::Timeout);
  ::close(ends[1]);
  EXPECT_EQ(rt::run(reactor, peek_client_hello(stream, reactor.after_ms(5000))).error().code, Errc::Closed);
}

TEST(ClientHello, AlertsAreWholeRecords) {
  EXPECT_EQ(fatal_alert(Alert::UnrecognizedName), std::string("\x15\x03\x03\0\2\2\x70", 7));
}

}  // namespace
}  // namespace sluice::net::tls
