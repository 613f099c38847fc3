// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/ip.h"

namespace sluice::net {

/// An IP address and a port, ready for the socket calls.
class Address {
 public:
  Address() { storage_.generic.sa_family = AF_UNSPEC; }
  Address(const IpAddress& ip, std::uint16_t port);

  /// "127.0.0.1:80", "[::1]:80".
  static Result<Address> parse(std::string_view text);
  static Address from(const sockaddr_storage& storage);
  static Address local_of(int fd);
  static Address peer_of(int fd);

  [[nodiscard]] bool is_set() const { return storage_.generic.sa_family != AF_UNSPEC; }
  [[nodiscard]] bool is_v6() const { return storage_.generic.sa_family == AF_INET6; }
  [[nodiscard]] IpAddress ip() const;
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const sockaddr* data() const { return &storage_.generic; }
  [[nodiscard]] socklen_t size() const { return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Address& a, const Address& b) { return a.port() == b.port() && a.ip() == b.ip(); }

 private:
  union Storage {
    sockaddr generic;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  Storage storage_{};
};

}  // namespace sluice::net
