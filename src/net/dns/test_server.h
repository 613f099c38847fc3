// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rt/io_source.h"
#include "rt/reactor.h"
#include "rt/scope.h"

namespace sluice::net::dns {

/// For tests: a name server on a loopback port, UDP and TCP, on the test's own reactor.
class TestServer {
 public:
  struct Record {
    std::vector<std::string> addresses;  // of SRV: "priority weight port host"
    std::uint32_t ttl = 60;
  };
  enum class Manner : std::uint8_t { Normal, Silent, ServerFailure, Garbage, WrongQuestion, Truncated };

  explicit TestServer(rt::Reactor& reactor);

  std::map<std::pair<std::string, int>, Record> records;  // by name and type; other names do not exist
  Manner manner = Manner::Normal;
  std::vector<std::string> questions;  // "A name", as they came
  int over_tcp = 0;

  /// "127.0.0.1:port"
  [[nodiscard]] std::string address() const;

 private:
  Task<void> serve_udp();
  Task<void> serve_tcp();
  Task<void> serve_connection(int fd);
  std::string answer_to(std::string_view message, bool tcp);

  rt::Reactor& reactor_;
  std::uint16_t port_ = 0;
  rt::IoSource udp_;
  rt::IoSource tcp_;
  rt::TaskScope tasks_;
};

}  // namespace sluice::net::dns
