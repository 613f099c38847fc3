// SPDX-License-Identifier: Apache-2.0
#include "telemetry/sinks.h"

#include <algorithm>

namespace sluice::telemetry {

namespace {
constexpr std::int64_t kFileDelayMs = 10;
constexpr std::int64_t kDrainStepMs = 5;
}  // namespace

LineBuffer& Sinks::file(const std::string& path, FileWriter::Reopen reopen) {
  auto& slot = files_[{path, reopen}];
  if (!slot) {
    LineBuffer::Options options{.flush_octets = std::size_t{16} << 10, .flush_ms = kFileDelayMs, .reopen = reopen};
    slot = std::make_unique<LineBuffer>(reactor_, writer_, path, options);
  }
  return *slot;
}

Rc<Queue> Sinks::queue(std::string_view plugin, const std::string& key, const QueueOptions& options) {
  if (auto found = queues_.find(key); found != queues_.end()) {
    found->second->configure(options);
    return found->second;
  }
  std::erase_if(queues_, [](const auto& slot) { return slot.second.use_count() == 1 && slot.second->idle(); });
  return queues_.emplace(key, make_rc<Queue>(reactor_, metrics_, plugin, key, options)).first->second;
}

Task<void> Sinks::drain(rt::Deadline deadline) {
  for (auto& [path, buffer] : files_) buffer->flush();
  for (auto& [key, queue] : queues_) queue->close();
  auto waits = [this] {
    return std::any_of(queues_.begin(), queues_.end(), [](const auto& slot) { return !slot.second->idle(); });
  };
  while (waits() && !deadline.passed(reactor_.clock())) {
    co_await rt::Sleep(reactor_, std::min(deadline, reactor_.after_ms(kDrainStepMs)));
  }
}

}  // namespace sluice::telemetry
