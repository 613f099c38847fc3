// SPDX-License-Identifier: Apache-2.0
#include "base/ip.h"

#include <algorithm>

#include <arpa/inet.h>

#include "base/hash.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;

std::unexpected<Error> not_an_address(std::string_view text) {
  return fail(Errc::Invalid, "not an IP address: " + std::string(text));
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof(buffer)) return not_an_address(text);
  *std::copy(text.begin(), text.end(), buffer) = '\0';
  if (text.contains('\0')) return not_an_address(text);
  std::array<std::uint8_t, 16> octets{};
  if (!text.contains(':')) {
    if (::inet_pton(AF_INET, buffer, octets.data()) != 1) return not_an_address(text);
    return from_v4(std::span(octets).first<4>());
  }
  if (::inet_pton(AF_INET6, buffer, octets.data()) != 1) return not_an_address(text);
  return from_v6(octets);
}

IpAddress IpAddress::from_v4(std::span<const std::uint8_t, 4> octets) {
  IpAddress address;
  auto* rest = std::ranges::copy(kMappedPrefix, address.octets_.begin()).out;
  std::ranges::copy(octets, rest);
  return address;
}

IpAddress IpAddress::from_v6(std::span<const std::uint8_t, 16> octets) {
  IpAddress address;
  std::ranges::copy(octets, address.octets_.begin());
  return address;
}

bool IpAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets_.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return octets_[12] == 127;
  constexpr std::array<std::uint8_t, 16> kOne = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return octets_ == kOne;
}

bool IpAddress::is_any() const {
  return std::ranges::all_of(octets(), [](std::uint8_t octet) { return octet == 0; });
}

std::span<const std::uint8_t> IpAddress::octets() const {
  return is_v4() ? std::span<const std::uint8_t>(octets_).last(4) : std::span<const std::uint8_t>(octets_);
}

std::string IpAddress::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  return ::inet_ntop(is_v4() ? AF_INET : AF_INET6, octets().data(), buffer, sizeof(buffer));
}

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  TRY(const auto address, IpAddress::parse(text.substr(0, slash)));
  const unsigned width = text.contains(':') ? 128 : 32;
  unsigned prefix = width;
  if (slash != text.npos) {
    const auto given = parse_int<unsigned>(text.substr(slash + 1));
    if (!given || *given > width) return fail(Errc::Invalid, "not a block of addresses: " + std::string(text));
    prefix = *given;
  }
  const unsigned bits = prefix + (128 - width);
  auto octets = address.mapped_octets();
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = std::clamp(bits, i * 8, i * 8 + 8) - i * 8;
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xFF00U >> kept));
  }
  return Cidr(IpAddress::from_v6(octets), bits);
}

bool Cidr::is_v4() const {
  return bits_ >= kMappedBits && first_.is_v4();
}

bool Cidr::contains(const IpAddress& address) const {
  return address.is_v4() == is_v4() && first_ <= address && address <= last();
}

IpAddress Cidr::last() const {
  auto octets = first_.mapped_octets();
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned kept = std::clamp(bits_, i * 8, i * 8 + 8) - i * 8;
    octets[i] = static_cast<std::uint8_t>(octets[i] | (0xFFU >> kept));
  }
  return IpAddress::from_v6(octets);
}

std::string Cidr::to_string() const {
  return first_.to_string() + "/" + std::to_string(is_v4() ? bits_ - kMappedBits : bits_);
}

CidrSet::CidrSet(std::span<const Cidr> blocks) : v4_(merged(blocks, true)), v6_(merged(blocks, false)) {}

CidrSet::Ranges CidrSet::merged(std::span<const Cidr> blocks, bool v4) {
  Ranges sorted;
  for (const Cidr& block : blocks) {
    if (block.is_v4() == v4) sorted.push_back({block.first(), block.last()});
  }
  std::ranges::sort(sorted, {}, &Range::first);
  Ranges disjoint;
  for (const Range& range : sorted) {
    if (!disjoint.empty() && range.first <= disjoint.back().last) {
      disjoint.back().last = std::max(disjoint.back().last, range.last);
    } else {
      disjoint.push_back(range);
    }
  }
  return disjoint;
}

bool CidrSet::contains(const IpAddress& address) const {
  const Ranges& ranges = address.is_v4() ? v4_ : v6_;
  const auto after = std::ranges::upper_bound(ranges, address, {}, &Range::first);
  return after != ranges.begin() && address <= std::prev(after)->last;
}

std::string to_string(const IpAddress& address, std::uint16_t port) {
  const std::string host = address.to_string();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace sluice

std::size_t std::hash<sluice::IpAddress>::operator()(const sluice::IpAddress& address) const noexcept {
  const auto& octets = address.mapped_octets();
  return sluice::hash_bytes({reinterpret_cast<const char*>(octets.data()), octets.size()});
}
