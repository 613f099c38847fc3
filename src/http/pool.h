// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "http/h1/client_connection.h"
#include "rt/reactor.h"
#include "rt/timer_wheel.h"

namespace sluice::http {

struct PoolOptions {
  std::size_t max_idle = 512;
  std::uint64_t max_requests = 10'000;  // per connection; 0: no limit
  std::int64_t idle_timeout_ms = 60'000;
};

/// Idle connections to one endpoint, on one shard: the one used last is taken first, so that the others can age out.
class Pool final : private rt::Timer {
 public:
  using Connection = std::unique_ptr<h1::ClientConnection>;

  Pool(rt::Reactor& reactor, const PoolOptions& options) : reactor_(reactor), options_(options) {}

  /// A live idle connection, or null.
  [[nodiscard]] Connection take();
  /// Keeps a connection whose exchange is complete.
  void put(Connection connection);
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }
  void clear() { idle_.clear(); }

 private:
  struct Idle {
    Connection connection;
    std::int64_t since_ms;
  };
  void expire() override;

  rt::Reactor& reactor_;
  const PoolOptions& options_;
  std::vector<Idle> idle_;  // oldest first
};

}  // namespace sluice::http
