// SPDX-License-Identifier: Apache-2.0
#include "rt/shards.h"

#include <pthread.h>

namespace sluice::rt {

Shards::Shards(std::size_t count) {
  reactors_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) reactors_.push_back(std::make_unique<Reactor>());
}

Shards::~Shards() {
  stop();
}

void Shards::start(const std::function<void(std::size_t, Reactor&)>& body) {
  for (std::size_t i = 0; i < reactors_.size(); ++i) {
    threads_.emplace_back([this, i, body] {
      pthread_setname_np(pthread_self(), ("shard-" + std::to_string(i)).c_str());
      body(i, *reactors_[i]);
    });
  }
}

void Shards::stop() {
  for (auto& reactor : reactors_) reactor->stop();
  join();
}

void Shards::join() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

}  // namespace sluice::rt
