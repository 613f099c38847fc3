// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/address.h"

namespace sluice::cli::bench {

enum class Protocol : std::uint8_t { Http, WebSocket, Grpc, Tcp, Udp };

/// What is loaded: `scheme://host:port/path`.
struct Target {
  Protocol protocol = Protocol::Http;
  bool tls = false;
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  std::string path = "/";  // with the query

  /// Schemes: http, https, ws, wss, grpc, grpcs, tcp, tls, udp. A port is needed where the scheme has none of its own.
  /// Errc::Invalid with what is wrong.
  static Result<Target> parse(std::string_view url);

  /// `host:port`, as a Host field names it.
  [[nodiscard]] std::string authority() const;
  /// Looks the host up, which may block. Errc::NotFound.
  [[nodiscard]] Result<net::Address> resolve() const;
};

}  // namespace sluice::cli::bench
