// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/connection.h"
#include "cli/bench/dialogue.h"
#include "cli/bench/histogram.h"

namespace sluice::cli::bench {

enum class Reuse : std::uint8_t {
  KeepAlive,  // connections stay open
  Fresh,      // a connection for each request
  Resumed,    // the same, offering the TLS session of the one before
};

struct LoadOptions {
  Endpoint endpoint;
  MakeDialogue dialogue;
  std::size_t connections = 32;
  std::chrono::duration<double> duration{1.0};
  /// Requests a second, sent at their moment whether or not earlier replies have come (open loop). 0: each connection
  /// sends its next request when the last reply has arrived (closed loop).
  double rate = 0;
  Reuse reuse = Reuse::KeepAlive;
  /// One exchange on each connection, then only keeping them open until the time is over.
  bool idle = false;
};

/// What happened; an exchange is a request with its reply, or a message with its echo.
struct LoadResult {
  Histogram latency_ns;  // open loop: from the moment the request was due, not from when it could be sent
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t resumed = 0;
  std::size_t open = 0;  // connections, at the end
  double seconds = 0;
  std::string first_failure;
};

/// Loads one address from one thread with one epoll loop. Throws std::system_error.
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
  void on_event(std::size_t slot, std::uint32_t events);
  void handle(std::size_t slot, Connection::Progress progress);
  void count_failure(std::string_view why);
  void collect();

  LoadOptions options_;
  int epoll_ = -1;
  std::chrono::steady_clock::time_point began_;
  Nanos end_ = 0;
  std::vector<Slot> slots_;
  std::vector<std::size_t> idle_;
  std::size_t settled_ = 0;  // idle: connections that had their one exchange
  std::uint64_t started_ = 0;
  std::uint64_t intended_ = 0;  // how many there will be; closed loop: until the time is over
  LoadResult result_;
};

}  // namespace sluice::cli::bench
