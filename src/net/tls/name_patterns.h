// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::net::tls {

/// Asks `look_up(pattern)` for what matches `server_name` (lower case; empty: the client named none), best first, until
/// it gives something: the name itself, `*.rest` (its first label replaced), `prefix.*` (its last label replaced), `*`.
/// What look_up gives converts to bool.
template <class LookUp>
auto find_by_name(std::string_view server_name, LookUp look_up) {
  if (!server_name.empty()) {
    if (auto exact = look_up(server_name)) return exact;
    if (const std::size_t first = server_name.find('.'); first != std::string_view::npos) {
      std::string wild = "*" + std::string(server_name.substr(first));
      if (auto match = look_up(std::string_view(wild))) return match;
      wild.assign(server_name.substr(0, server_name.rfind('.'))).append(".*");
      if (auto match = look_up(std::string_view(wild))) return match;
    }
  }
  return look_up(std::string_view("*"));
}

}  // namespace sluice::net::tls
