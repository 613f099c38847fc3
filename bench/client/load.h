// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "histogram.h"

namespace sluice::bench {

enum class Reuse {
  KeepAlive,  // connections stay open
  Fresh,      // a connection for each request
  Resumed,    // the same, offering the TLS session of the one before
};

struct LoadOptions {
  std::uint16_t port = 0;
  std::size_t connections = 32;
  std::chrono::duration<double> duration{1.0};
  /// Requests a second, sent at their moment whether or not earlier replies have come (open loop). 0: each connection
  /// sends its next request when the last reply has arrived (closed loop).
  double rate = 0;
  Reuse reuse = Reuse::KeepAlive;
  bool tls = false;
  /// Whole request heads, used in turn.
  std::vector<std::string> heads;
};

struct LoadResult {
  Histogram latency_ns;  // open loop: from the moment the request was due, not from when it could be sent
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t resumed = 0;
  double seconds = 0;
  std::string first_failure;
};

/// Loads 127.0.0.1 from one thread with one epoll loop. Throws std::system_error.
class Load {
 public:
  explicit Load(LoadOptions options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  LoadResult run();

 private:
  using Nanos = std::uint64_t;  // since the start of the run

  struct Slot {
    std::unique_ptr<Connection> connection;
    Nanos due = 0;
    bool busy = false;
  };

  [[nodiscard]] Nanos now() const;
  [[nodiscard]] Nanos due_time(std::uint64_t request) const;
  [[nodiscard]] bool more_to_start() const;
  void start_what_is_due();
  void start(std::size_t slot, Nanos due);
  void wait();
  void handle(std::size_t slot, Connection::Progress progress);
  void collect();

  LoadOptions options_;
  ContextPtr context_;
  int epoll_ = -1;
  std::chrono::steady_clock::time_point began_;
  Nanos end_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::size_t> idle_;
  std::uint64_t started_ = 0;
  std::uint64_t intended_ = 0;  // open loop: how many there will be
  LoadResult result_;
};

}  // namespace sluice::bench
