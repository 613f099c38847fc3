// SPDX-License-Identifier: Apache-2.0
#include "http/pool.h"

#include <algorithm>
#include <utility>

namespace sluice::http {

Pool::Connection Pool::take() {
  while (!idle_.empty()) {
    Connection connection = std::move(idle_.back().connection);
    idle_.pop_back();
    // The reactor goes on watching idle connections: one that the peer closed or wrote to is not used again.
    if (!connection->is_stale()) return connection;
  }
  return nullptr;
}

void Pool::put(Connection connection) {
  connection->count_request();
  if (options_.max_requests != 0 && connection->requests() >= options_.max_requests) return;
  if (options_.max_idle == 0 || !connection->is_quiet()) return;
  if (idle_.size() >= options_.max_idle) idle_.erase(idle_.begin());
  idle_.push_back({std::move(connection), reactor_.clock().mono_ms()});
  if (!armed()) reactor_.timers().arm(*this, reactor_.clock().mono_ms() + options_.idle_timeout_ms);
}

void Pool::expire() {
  std::int64_t now = reactor_.clock().mono_ms();
  auto young = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& idle) {
    return idle.since_ms + options_.idle_timeout_ms > now && !idle.connection->is_stale();
  });
  idle_.erase(idle_.begin(), young);
  if (!idle_.empty()) reactor_.timers().arm(*this, idle_.front().since_ms + options_.idle_timeout_ms);
}

}  // namespace sluice::http
