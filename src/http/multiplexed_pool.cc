// SPDX-License-Identifier: Apache-2.0
#include "http/multiplexed_pool.h"

#include <algorithm>

namespace sluice::http {
namespace {

constexpr std::int64_t kPauseMs = 1'000;  // after a failure, before another connection beside those that work is tried

}  // namespace

h2::ClientConnection* MultiplexedPool::take() {
  h2::ClientConnection* held_back = nullptr;  // with the fewest streams
  for (const auto& connection : connections_) {
    if (!connection->takes_streams()) continue;
    if (!connection->is_held_back()) return connection.get();
    if (held_back == nullptr || connection->streams() < held_back->streams()) held_back = connection.get();
  }
  return held_back;
}

bool MultiplexedPool::wants_another(const h2::ClientConnection& taken) const {
  return taken.is_held_back() && !dialing_ && connections_.size() < kMostBeside &&
         reactor_.clock().mono_ms() >= none_beside_until_ms_;
}

h2::ClientConnection& MultiplexedPool::add(std::unique_ptr<net::Stream> stream) {
  const h2::ClientConnection::Options options{.idle_ms = options_.max_idle == 0 ? 0 : options_.idle_timeout_ms,
                                              .max_requests = options_.max_requests};
  h2::ClientConnection::Owner& self = *this;
  connections_.push_back(std::make_unique<h2::ClientConnection>(std::move(stream), options, self));
  return *connections_.back();
}

std::optional<MultiplexedPool::Turn> MultiplexedPool::begin_dial() {
  if (std::exchange(dialing_, true)) return std::nullopt;
  return Turn(*this);
}

/// Those who wait go on in a turn of their own: this may be the end of a request that was cancelled.
void MultiplexedPool::end_dial(const Error* error) {
  dialing_ = false;
  if (error != nullptr) none_beside_until_ms_ = reactor_.clock().mono_ms() + kPauseMs;
  for (Waiting* each : waiting_) {
    each->may_go = true;
    if (error != nullptr) each->failure = *error;
  }
  if (!waiting_.empty()) reactor_.timers().arm(*this, reactor_.clock().mono_ms());
}

void MultiplexedPool::Turn::gave_up() {
  pool_->none_beside_until_ms_ = pool_->reactor_.clock().mono_ms() + kPauseMs;
  std::exchange(pool_, nullptr)->end_dial(nullptr);
}

Task<Result<>> MultiplexedPool::dialed(rt::Deadline deadline) {
  Waiting self(*this);
  if (co_await self.waiter.wait(deadline) == rt::Wake::TimedOut) {
    co_return fail(Errc::Timeout, "timed out while connecting", Blame::Upstream, Retry::Safe);
  }
  if (self.failure) co_return std::unexpected(*std::move(self.failure));
  co_return Result<>{};
}

/// The connection itself is on the stack.
void MultiplexedPool::connection_over() {
  reactor_.timers().arm(*this, reactor_.clock().mono_ms());
}

void MultiplexedPool::expire() {
  std::erase_if(connections_, [](const auto& connection) { return connection->is_over(); });
  for (;;) {
    auto next = std::find_if(waiting_.begin(), waiting_.end(), [](const Waiting* each) { return each->may_go; });
    if (next == waiting_.end()) return;
    (*next)->may_go = false;
    (*next)->waiter.wake();
  }
}

}  // namespace sluice::http
