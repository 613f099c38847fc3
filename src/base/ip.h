// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sluice {

/// An IPv4 or IPv6 address. Kept as 16 octets, IPv4 in the mapped form ::ffff:a.b.c.d, so that a client looks the same
/// whether it came through a v4 or a dual-stack socket; a mapped v6 address therefore *is* the v4 address.
class IpAddress {
 public:
  /// `::`
  constexpr IpAddress() = default;

  /// Dotted quad without leading zeros, or RFC 4291 text without brackets or zone.
  static Result<IpAddress> parse(std::string_view text);
  /// Octets in network order.
  static IpAddress from_v4(std::span<const std::uint8_t, 4> octets);
  static IpAddress from_v6(std::span<const std::uint8_t, 16> octets);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_v6() const { return !is_v4(); }
  [[nodiscard]] bool is_loopback() const;
  /// `0.0.0.0` or `::`
  [[nodiscard]] bool is_any() const;

  /// 4 or 16 octets in network order; a view of this object.
  [[nodiscard]] std::span<const std::uint8_t> octets() const;
  /// Always 16, IPv4 mapped; a view of this object.
  [[nodiscard]] const std::array<std::uint8_t, 16>& mapped_octets() const { return octets_; }

  /// RFC 5952 form.
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
};

/// A block of addresses of one family: `::/0` holds no IPv4 address. Host bits are zero.
class Cidr {
 public:
  /// `::/128`
  Cidr() = default;
  /// `10.0.0.0/8`, or a single address. Host bits that are set are cleared.
  static Result<Cidr> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] IpAddress first() const { return first_; }
  [[nodiscard]] IpAddress last() const;
  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const Cidr&, const Cidr&) = default;

 private:
  Cidr(IpAddress first, unsigned bits) : first_(first), bits_(bits) {}
  IpAddress first_;
  unsigned bits_ = 128;  // of the 128-bit mapped form
};

/// Membership in many blocks: binary search over merged ranges, so ten thousand blocks cost some 14 comparisons.
class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(std::span<const Cidr> blocks);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  struct Range {
    IpAddress first;
    IpAddress last;
  };
  using Ranges = std::vector<Range>;  // sorted, disjoint
  static Ranges merged(std::span<const Cidr> blocks, bool v4);
  Ranges v4_;
  Ranges v6_;
};

/// `10.0.0.1:80`, `[::1]:80`
[[nodiscard]] std::string to_string(const IpAddress& address, std::uint16_t port);

}  // namespace sluice

template <>
struct std::hash<sluice::IpAddress> {
  std::size_t operator()(const sluice::IpAddress& address) const noexcept;
};
