// SPDX-License-Identifier: Apache-2.0
#include "base/ip.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
Cidr cidr(std::string_view text) {
  return Cidr::parse(text).value();
}

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const char* text : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1:0:0:1", "fe80::1"}) {
    EXPECT_EQ(ip(text).to_string(), text);
  }
  EXPECT_EQ(ip("2001:DB8:0:0:0:0:0:1").to_string(), "2001:db8::1");
}

TEST(IpAddress, RefusesOtherForms) {
  for (const char* text : {"", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "0x7f.1", "127.1", "2130706433", "[::1]",
                           "fe80::1%eth0", ":::", "1:2:3:4:5:6:7:8:9", "::g"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)));
}

TEST(IpAddress, TreatsMappedAddressesAsV4) {
  EXPECT_EQ(ip("::ffff:1.2.3.4"), ip("1.2.3.4"));
  EXPECT_EQ(ip("::ffff:1.2.3.4").to_string(), "1.2.3.4");
  EXPECT_EQ(ip("1.2.3.4").octets().size(), 4U);
  EXPECT_EQ(ip("::1").octets().size(), 16U);
}

TEST(IpAddress, KnowsLoopbackAndWildcard) {
  EXPECT_TRUE(ip("127.8.8.8").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("10.0.0.1").is_loopback());
  EXPECT_TRUE(ip("0.0.0.0").is_any());
  EXPECT_TRUE(ip("::").is_any());
  EXPECT_FALSE(ip("::1").is_any());
}

TEST(IpAddress, WritesPorts) {
  EXPECT_EQ(to_string(ip("1.2.3.4"), 80), "1.2.3.4:80");
  EXPECT_EQ(to_string(ip("::1"), 443), "[::1]:443");
}

TEST(Cidr, ContainsItsBlockOnly) {
  EXPECT_TRUE(cidr("10.0.0.0/8").contains(ip("10.255.0.1")));
  EXPECT_FALSE(cidr("10.0.0.0/8").contains(ip("11.0.0.0")));
  EXPECT_TRUE(cidr("192.168.1.128/25").contains(ip("192.168.1.128")));
  EXPECT_FALSE(cidr("192.168.1.128/25").contains(ip("192.168.1.127")));
  EXPECT_TRUE(cidr("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
  EXPECT_FALSE(cidr("2001:db8::/33").contains(ip("2001:db8:8000::1")));
  EXPECT_TRUE(cidr("1.2.3.4").contains(ip("1.2.3.4")));
}

TEST(Cidr, KeepsFamiliesApart) {
  EXPECT_TRUE(cidr("0.0.0.0/0").contains(ip("8.8.8.8")));
  EXPECT_FALSE(cidr("0.0.0.0/0").contains(ip("::1")));
  EXPECT_TRUE(cidr("::/0").contains(ip("::1")));
  EXPECT_FALSE(cidr("::/0").contains(ip("8.8.8.8")));
  EXPECT_TRUE(cidr("::ffff:0:0/96").contains(ip("8.8.8.8")));
}

TEST(Cidr, ClearsHostBits) {
  EXPECT_EQ(cidr("10.1.2.3/8").to_string(), "10.0.0.0/8");
  EXPECT_EQ(cidr("2001:db8::1/32").to_string(), "2001:db8::/32");
  EXPECT_EQ(cidr("1.2.3.4").to_string(), "1.2.3.4/32");
}

TEST(Cidr, RefusesBadPrefixes) {
  for (const char* text : {"1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/8x", "::/129", "/8", "1.2.3/24"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

TEST(CidrSet, AnswersAsItsBlocksWould) {
  const std::vector<Cidr> blocks = {cidr("10.0.0.0/8"), cidr("10.1.0.0/16"),   cidr("192.168.0.0/24"), cidr("1.2.3.4"),
                                    cidr("::1"),        cidr("2001:db8::/32"), cidr("192.168.1.0/24")};
  const CidrSet set(blocks);
  for (const char* text : {"10.0.0.0", "10.1.2.3", "10.255.255.255", "11.0.0.0", "9.255.255.255", "1.2.3.4", "1.2.3.5",
                           "192.168.1.255", "192.168.2.0", "::1", "::2", "2001:db8:ffff::", "2001:db9::", "0.0.0.0"}) {
    bool expected = false;
    for (const Cidr& block : blocks) expected = expected || block.contains(ip(text));
    EXPECT_EQ(set.contains(ip(text)), expected) << text;
  }
  EXPECT_TRUE(CidrSet().empty());
  EXPECT_FALSE(CidrSet().contains(ip("1.2.3.4")));
}

}  // namespace
}  // namespace sluice
