// SPDX-License-Identifier: Apache-2.0
#pragma once

// Shared by the tests of this folder.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/router/route_table.h"

namespace sluice::gateway::router::testing {

/// An id whose order is that of `n`.
inline Uuid numbered(std::uint32_t n) {
  Uuid id;
  for (std::size_t i = 0; i < 4; ++i) id.octets[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
  return id;
}

class Headers final : public expr::HeaderSource {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : values(fields) {}
  std::vector<std::pair<std::string, std::string>> values;
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name, std::size_t nth) const override {
    for (const auto& [sent, text] : values) {
      if (expr::names_header(sent, name) && nth-- == 0) return text;
    }
    return std::nullopt;
  }
};

/// A request that owns its texts.
struct Request {
  expr::Protocol protocol = expr::Protocol::Http;
  std::string method = "GET";
  std::string host = "example.com";
  std::string path = "/";
  std::string sni{};
  std::uint16_t port = 80;
  std::string src = "10.0.0.1";
  std::uint16_t src_port = 40000;
  std::string dst = "10.9.9.9";
  Headers headers{};

  [[nodiscard]] MatchInput input() const {
    return {.protocol = protocol,
            .method = method,
            .host = host,
            .path = path,
            .sni = sni,
            .src_ip = *IpAddress::parse(src),
            .dst_ip = *IpAddress::parse(dst),
            .src_port = src_port,
            .dst_port = port,
            .headers = &headers};
  }
};

}  // namespace sluice::gateway::router::testing
