// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rt/reactor.h"

namespace sluice::rt {

/// The node's shards: one reactor on one thread each. What a shard makes belongs to it; others reach it by post().
class Shards {
 public:
  /// Makes the reactors; threads start with start().
  explicit Shards(std::size_t count);
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;
  ~Shards();

  /// Runs `body` on each shard's own thread; it sets the shard up, calls reactor.run() and tears the shard down.
  void start(const std::function<void(std::size_t shard, Reactor& reactor)>& body);

  [[nodiscard]] std::size_t count() const { return reactors_.size(); }
  [[nodiscard]] Reactor& reactor(std::size_t shard) { return *reactors_[shard]; }
  /// Thread-safe.
  void post(std::size_t shard, std::function<void()> work) { reactors_[shard]->post(std::move(work)); }
  /// Asks every reactor to stop, and waits for the threads.
  void stop();
  void join();

 private:
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::rt
