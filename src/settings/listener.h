// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ip.h"
#include "base/json.h"

namespace sluice::settings {

/// What listens: its flags differ.
enum class Subsystem : std::uint8_t { Http, Stream };

/// One address to listen on, as `proxy_listen` and its kin spell it: `0.0.0.0:8443 http2 ssl backlog=16384`.
struct Listener {
  IpAddress ip;
  std::uint16_t port = 0;  // 0 lets the kernel choose, for tests
  bool ssl = false;
  bool http2 = false;
  bool http3 = false;  // of proxy_listen: HTTP/3 on the same port over UDP
  bool udp = false;    // of stream_listen: datagrams
  bool proxy_protocol = false;
  bool deferred = false;      // wake up for the first octets only (TCP_DEFER_ACCEPT)
  bool bind = false;          // accepted for compatibility: we always bind each address
  bool reuseport = false;     // one socket per shard
  bool so_keepalive = false;  // TCP keep-alive probes to clients
  bool ipv6only = true;
  int backlog = 0;                    // 0 means the system's default
  std::uint32_t max_connections = 0;  // at a time, divided evenly among the shards; 0: no limit of its own

  /// `127.0.0.1:8001`, `[::1]:8001`
  [[nodiscard]] std::string address() const { return sluice::to_string(ip, port); }
  /// The spelling that parse_listener() reads.
  [[nodiscard]] std::string to_string() const;
  /// The form that the Admin API shows under `proxy_listeners`, or under `stream_listeners`.
  [[nodiscard]] Json to_json(Subsystem subsystem = Subsystem::Http) const;

  friend bool operator==(const Listener&, const Listener&) = default;
};

/// The address is `IP:PORT`, `[V6]:PORT`, `*:PORT` or `localhost:PORT`. Every fault of the text is in the message.
Result<Listener> parse_listener(std::string_view text);
/// A list by comma; `off` or nothing means none.
Result<std::vector<Listener>> parse_listeners(std::string_view text);

}  // namespace sluice::settings
