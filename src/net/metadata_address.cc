// SPDX-License-Identifier: Apache-2.0
#include "net/metadata_address.h"

#include <algorithm>
#include <array>

namespace sluice::net {

bool is_metadata_address(const IpAddress& address) {
  static const std::array kAddresses{
      *IpAddress::parse("169.254.169.254"),  // nearly all of them
      *IpAddress::parse("169.254.170.2"),    // containers at Amazon
      *IpAddress::parse("169.254.170.23"),   // pods there
      *IpAddress::parse("fd00:ec2::254"),      *IpAddress::parse("fd00:ec2::23"),
      *IpAddress::parse("fd20:ce::254"),                                          // Google
      *IpAddress::parse("fd00:c1::a9fe:a9fe"),                                    // Oracle
      *IpAddress::parse("169.254.42.42"),      *IpAddress::parse("fd00:42::42"),  // Scaleway
      *IpAddress::parse("169.254.0.23"),                                          // Tencent
      *IpAddress::parse("100.100.100.200"),                                       // Alibaba
      *IpAddress::parse("168.63.129.16"),                                         // Azure
  };
  return std::ranges::find(kAddresses, address) != kAddresses.end();
}

bool is_metadata_service(const Address& where) {
  constexpr std::uint16_t kDns = 53;
  return where.port() != kDns && is_metadata_address(where.ip());
}

}  // namespace sluice::net
