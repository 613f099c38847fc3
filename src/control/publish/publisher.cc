// SPDX-License-Identifier: Apache-2.0
#include "control/publish/publisher.h"

#include <coroutine>
#include <optional>
#include <utility>

namespace sluice::control::publish {

/// One change and whoever waits for it. Shared, since either may go first.
struct Publisher::Job {
  std::unique_ptr<Change> change;
  bool load = false;
  std::optional<Outcome> outcome;
  std::coroutine_handle<> waiting;
};

class Publisher::Wait {
 public:
  explicit Wait(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { job_->waiting = {}; }

  [[nodiscard]] bool await_ready() const { return job_->outcome.has_value(); }
  void await_suspend(std::coroutine_handle<> caller) { job_->waiting = caller; }
  Outcome await_resume() { return *std::move(job_->outcome); }

 private:
  std::shared_ptr<Job> job_;
};

std::shared_ptr<Publisher::Job> Publisher::enqueue(std::unique_ptr<Change> change, bool load) {
  auto job = std::make_shared<Job>();
  job->change = std::move(change);
  job->load = load;
  loads_ += load ? 1U : 0U;
  queue_.push_back(job);
  if (!working_) scope_.spawn(work());
  return job;
}

Task<Publisher::Outcome> Publisher::submit(std::unique_ptr<Change> change) {
  Wait wait(enqueue(std::move(change), false));
  Outcome outcome = co_await wait;
  co_return outcome;
}

Task<Publisher::Outcome> Publisher::load(std::unique_ptr<Change> change) {
  Wait wait(enqueue(std::move(change), true));
  Outcome outcome = co_await wait;
  co_return outcome;
}

Task<void> Publisher::work() {
  working_ = true;
  while (!queue_.empty()) {
    std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    Outcome outcome = co_await run(*job->change);
    loads_ -= job->load ? 1U : 0U;
    job->outcome = std::move(outcome);
    if (auto waiting = std::exchange(job->waiting, {})) waiting.resume();
  }
  working_ = false;
}

Task<Publisher::Outcome> Publisher::run(Change& change) {
  auto delta = change.prepare(store_);
  if (!delta) co_return std::unexpected(std::move(delta).error());
  sync::Delta copy = *delta;  // shares the documents
  auto applied = co_await gateway_.apply(std::move(copy));
  if (!applied) co_return std::unexpected(change.locate(applied.error()));
  store_.apply(*delta);
  co_return *std::move(delta);
}

}  // namespace sluice::control::publish
