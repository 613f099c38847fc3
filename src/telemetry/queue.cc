// SPDX-License-Identifier: Apache-2.0
#include "telemetry/queue.h"

#include <algorithm>
#include <cmath>
#include <coroutine>
#include <utility>

#include <fmt/format.h>

namespace sluice::telemetry {

namespace {

std::int64_t to_ms(double seconds) {
  return static_cast<std::int64_t>(std::ceil(seconds * 1000));
}

const MetricSpec kSent = {.name = "sluice_log_entries_sent_total",
                          .help = "Entries that log plugins delivered.",
                          .labels = {{"plugin", Label::Values::Bounded}}};
const MetricSpec kLost = {.name = "sluice_log_entries_lost_total",
                          .help = "Entries that log plugins could not deliver.",
                          .labels = {{"plugin", Label::Values::Bounded}, {"reason", Label::Values::Bounded}}};

log::Counted nearly_full(log::Level::Warn, "log_queue.nearly_full");
log::Counted full(log::Level::Error, "log_queue.full");
log::Counted too_large(log::Level::Error, "log_queue.entry_too_large");
log::Counted send_failed(log::Level::Warn, "log_queue.send_failed");
log::Counted gave_up(log::Level::Error, "log_queue.gave_up");
log::Counted resumed(log::Level::Info, "log_queue.resumed");

}  // namespace

class Queue::Coalescing final : private rt::Timer {
 public:
  Coalescing(Queue& queue, std::int64_t delay_ms) : queue_(queue), delay_ms_(delay_ms) {}
  ~Coalescing() override { queue_.coalescing_ = nullptr; }

  [[nodiscard]] bool await_ready() const { return queue_.batch_ready() || delay_ms_ <= 0; }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    queue_.coalescing_ = this;
    queue_.reactor_.timers().arm(*this, queue_.reactor_.clock().mono_ms() + delay_ms_);
  }
  void await_resume() { queue_.coalescing_ = nullptr; }
  /// Resumes in the next turn instead of at once: the caller is in the middle of something else.
  void cut_short() { queue_.reactor_.timers().arm(*this, queue_.reactor_.clock().mono_ms()); }

 private:
  void expire() override { caller_.resume(); }

  Queue& queue_;
  const std::int64_t delay_ms_;
  std::coroutine_handle<> caller_;
};

Queue::Queue(rt::Reactor& reactor, Metrics& metrics, std::string_view plugin, std::string name,
             const QueueOptions& options)
    : reactor_(reactor),
      lost_(metrics.family(kLost)),
      sent_(metrics.family(kSent).at({plugin})),
      plugin_(plugin),
      name_(std::move(name)),
      options_(options),
      next_options_(options) {}

void Queue::push(std::string entry, const Rc<QueueSender>& sender) {
  if (idle()) options_ = next_options_;
  sender_ = sender;
  if (options_.concurrency_limit < 0) {
    if (scope_.size() >= static_cast<std::size_t>(options_.max_entries)) return lose("full", 1);
    std::vector<std::string> alone;
    alone.push_back(std::move(entry));
    return scope_.spawn(deliver(std::move(alone)));
  }
  if (!make_room(entry.size())) return lose("too_large", 1);
  octets_ += entry.size();
  entries_.push_back(std::move(entry));
  if (!running_) {
    running_ = true;
    scope_.spawn(run());
  } else if (coalescing_ != nullptr && batch_ready()) {
    coalescing_->cut_short();
  }
}

void Queue::close() {
  closing_ = true;
  if (coalescing_ != nullptr) coalescing_->cut_short();
}

bool Queue::batch_ready() const {
  return closing_ || entries_.size() >= static_cast<std::size_t>(options_.max_batch_size);
}

bool Queue::make_room(std::size_t octets) {
  auto most = static_cast<std::size_t>(options_.max_entries);
  if (entries_.size() * 10 >= most * 8 && !nearly_full_) {
    nearly_full_ = true;
    report(nearly_full, "queue at 80% capacity");
  }
  if (entries_.size() >= most) {
    if (!full_) {
      full_ = true;
      report(full, "queue full, dropping old entries until processing is successful again");
    }
    drop_oldest();
  }
  if (!options_.max_bytes) return true;

  auto capacity = static_cast<std::size_t>(std::max<std::int64_t>(*options_.max_bytes, 0));
  if (octets > capacity) {
    report(too_large, fmt::format("string to be queued is longer ({} bytes) than the queue's max_bytes ({} bytes)",
                                  octets, capacity));
    return false;
  }
  std::size_t dropped = 0;
  for (; octets_ + octets > capacity; ++dropped) drop_oldest();
  if (dropped > 0) {
    report(full, fmt::format("byte capacity exceeded, {} queue entries were dropped", dropped));
  }
  return true;
}

void Queue::drop_oldest() {
  octets_ -= entries_.front().size();
  entries_.pop_front();
  lose("full", 1);
}

std::vector<std::string> Queue::take_batch() {
  std::vector<std::string> batch;
  auto most = static_cast<std::size_t>(options_.max_batch_size);
  while (!entries_.empty() && batch.size() < most) {
    octets_ -= entries_.front().size();
    batch.push_back(std::move(entries_.front()));
    entries_.pop_front();
  }
  return batch;
}

Task<void> Queue::run() {
  while (!entries_.empty()) {
    co_await Coalescing(*this, to_ms(options_.max_coalescing_delay));
    co_await deliver(take_batch());
  }
  running_ = false;
}

bool Queue::retry_allowed(std::int64_t started_ms) const {
  double elapsed = static_cast<double>(reactor_.clock().mono_ms() - started_ms) / 1000;
  return elapsed <= options_.max_retry_time;
}

Task<void> Queue::deliver(std::vector<std::string> batch) {
  std::int64_t started_ms = reactor_.clock().mono_ms();
  for (double delay = options_.initial_retry_delay;; delay *= 2) {
    Rc<QueueSender> sender = sender_;
    Result<> sent = co_await sender->send(batch);
    if (sent) break;
    report(send_failed, "handler could not process entries: " + sent.error().what);
    if (!retry_allowed(started_ms)) {
      report(gave_up, fmt::format("could not send entries due to max_retry_time exceeded. {} queue entries were lost",
                                  batch.size()));
      lose("retries", static_cast<double>(batch.size()));
      co_return;
    }
    delay = std::min(delay, options_.max_retry_delay);
    co_await rt::Sleep(reactor_, reactor_.after_ms(to_ms(delay)));
  }
  sent_.add(static_cast<double>(batch.size()));
  if (full_) report(resumed, "queue resumed processing");
  full_ = nearly_full_ = false;
}

void Queue::lose(std::string_view reason, double entries) {
  lost_.at({plugin_, reason}).add(entries);
}

void Queue::report(log::Counted& event, std::string_view message) const {
  event.hit({{"plugin", plugin_}, {"queue", name_}, {"message", message}});
}

}  // namespace sluice::telemetry
