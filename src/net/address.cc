// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

#include "base/strings.h"

namespace sluice::net {

Address::Address(const IpAddress& ip, std::uint16_t port) {
  auto bytes = ip.octets();
  if (ip.is_v4()) {
    storage_.v4.sin_family = AF_INET;
    storage_.v4.sin_port = htons(port);
    std::memcpy(&storage_.v4.sin_addr, bytes.data(), bytes.size());
  } else {
    storage_.v6.sin6_family = AF_INET6;
    storage_.v6.sin6_port = htons(port);
    std::memcpy(&storage_.v6.sin6_addr, bytes.data(), bytes.size());
  }
}

Result<Address> Address::parse(std::string_view text) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Errc::Invalid, "no port in address: " + std::string(text));
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto ip = IpAddress::parse(host);
  auto port = parse_int<std::uint16_t>(text.substr(colon + 1));
  if (!ip || !port) return fail(Errc::Invalid, "no IP address and port: " + std::string(text));
  return Address(*ip, *port);
}

Address Address::from(const sockaddr_storage& storage) {
  Address address;
  if (storage.ss_family == AF_INET6) {
    std::memcpy(&address.storage_.v6, &storage, sizeof(sockaddr_in6));
  } else if (storage.ss_family == AF_INET) {
    std::memcpy(&address.storage_.v4, &storage, sizeof(sockaddr_in));
  }
  return address;
}

Address Address::local_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return from(storage);
}

Address Address::peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return from(storage);
}

IpAddress Address::ip() const {
  if (is_v6()) return IpAddress::from_v6(std::span<const std::uint8_t, 16>(storage_.v6.sin6_addr.s6_addr));
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &storage_.v4.sin_addr, bytes.size());
  return IpAddress::from_v4(bytes);
}

std::uint16_t Address::port() const {
  return ntohs(is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

std::string Address::to_string() const {
  std::string host = ip().to_string();
  return (is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port());
}

}  // namespace sluice::net
