// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip.h"

namespace sluice::expr {

/// What was spoken on the connection when the decision is due; `net.protocol` of the language. Tls: a TLS session (or
/// its first message) of a stream listener.
enum class Protocol : std::uint8_t { Http, Https, Tcp, Tls, Udp };

std::string_view to_string(Protocol protocol);

/// The header fields of a request, as far as expressions and routes ask for them.
class HeaderSource {
 public:
  virtual ~HeaderSource() = default;
  /// The `nth` value (from 0) of the field that `name` means: lower-case, with `_` for `-`; see names_header().
  [[nodiscard]] virtual std::optional<std::string_view> value(std::string_view name, std::size_t nth) const = 0;
};

/// Whether the name of a header field as sent (`X-Api-Version`) is the one that the language calls `name`
/// (`x_api_version`).
bool names_header(std::string_view sent, std::string_view name);

/// What routes and expressions look at. Every view must outlive the call it is given to.
struct Input {
  Protocol protocol = Protocol::Http;
  std::string_view method{};
  std::string_view host{};   // lower-case, without port
  std::string_view path{};   // normalised, without query
  std::string_view query{};  // raw, without `?`
  std::string_view sni{};    // lower-case, without trailing dot; empty: none sent
  IpAddress src_ip{};
  IpAddress dst_ip{};
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;  // port of the Host header if it has one, else of the listener
  const HeaderSource* headers = nullptr;
};

}  // namespace sluice::expr
