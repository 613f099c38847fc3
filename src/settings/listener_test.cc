// SPDX-License-Identifier: Apache-2.0
#include "settings/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::settings {
namespace {

using testing::HasSubstr;

TEST(Listener, ReadsAddressesAndFlags) {
  const Listener l =
      parse_listener("[::1]:8443 http2 ssl proxy_protocol deferred reuseport backlog=7 so_keepalive=on").value();
  EXPECT_EQ(l.address(), "[::1]:8443");
  EXPECT_TRUE(l.http2 && l.ssl && l.proxy_protocol && l.deferred && l.reuseport && l.so_keepalive);
  EXPECT_EQ(l.backlog, 7);
  EXPECT_EQ(parse_listener("*:80").value().address(), "0.0.0.0:80");
  EXPECT_EQ(parse_listener("localhost:80").value().address(), "127.0.0.1:80");
}

TEST(Listener, WritesWhatItReads) {
  for (const char* text : {"0.0.0.0:8000", "[::]:8443 ssl http2 reuseport ipv6only=off backlog=16384",
                           "127.0.0.1:0 proxy_protocol deferred bind so_keepalive=on", "127.0.0.1:53 udp"}) {
    const Listener listener = parse_listener(text).value();
    EXPECT_EQ(parse_listener(listener.to_string()).value(), listener) << text;
  }
}

TEST(Listener, ReadsListsAndOff) {
  EXPECT_EQ(parse_listeners("127.0.0.1:1 ssl, 127.0.0.1:2").value().size(), 2U);
  EXPECT_TRUE(parse_listeners("off").value().empty());
  EXPECT_TRUE(parse_listeners("").value().empty());
}

TEST(Listener, RefusesWhatItCannotServe) {
  for (const char* text :
       {"8000", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "::1:80", "[1.2.3.4]:80", "example.com:80", "unix:/run/x.sock",
        "1.2.3.4:80 quic", "1.2.3.4:80 backlog=0", "1.2.3.4:80 ipv6only=maybe"}) {
    EXPECT_FALSE(parse_listener(text)) << text;
  }
  EXPECT_THAT(parse_listener("1.2.3.4:80 sssl").error().what, HasSubstr("'1.2.3.4:80': unknown word 'sssl'"));
}

}  // namespace
}  // namespace sluice::settings
