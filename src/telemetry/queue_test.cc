// SPDX-License-Identifier: Apache-2.0
#include "telemetry/queue.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/sinks.h"

namespace sluice::telemetry {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Batch = std::vector<std::string>;

/// Remembers what it was given and when; fails as often as it is told to; may hold everything back.
class RecordingSender final : public QueueSender {
 public:
  explicit RecordingSender(rt::Reactor& reactor) : reactor_(reactor) {}

  Task<Result<>> send(std::span<const std::string> entries) override {
    batches.emplace_back(entries.begin(), entries.end());
    times.push_back(reactor_.clock().mono_ms());
    while (blocked) co_await rt::Sleep(reactor_, reactor_.after_ms(1));
    if (failures > 0) {
      --failures;
      co_return fail(Errc::Refused, "no");
    }
    co_return Result<>();
  }

  std::vector<Batch> batches;
  std::vector<std::int64_t> times;
  int failures = 0;
  bool blocked = false;

 private:
  rt::Reactor& reactor_;
};

class QueueTest : public ::testing::Test {
 protected:
  QueueTest() : clock_(new rt::ManualClock), reactor_(std::unique_ptr<rt::Clock>(clock_)) {}

  Rc<Queue> make(const QueueOptions& options) { return make_rc<Queue>(reactor_, metrics_, "http-log", "q", options); }
  void pass(std::int64_t ms) {
    for (std::int64_t i = 0; i < ms; ++i) {
      clock_->advance_ms(1);
      reactor_.run_once(0);
    }
  }
  double lost(std::string_view reason) {
    return metrics_.family({.name = "sluice_log_entries_lost_total"}).at({"http-log", reason}).value();
  }

  rt::ManualClock* clock_;
  rt::Reactor reactor_;
  Metrics metrics_;
  Rc<RecordingSender> sender_ = make_rc<RecordingSender>(reactor_);
};

TEST_F(QueueTest, SendsFullBatchesAtOnceAndTheRestAfterTheDelay) {
  auto queue = make({.max_batch_size = 3, .max_coalescing_delay = 1});
  for (const char* entry : {"1", "2", "3", "4", "5"}) queue->push(entry, sender_);
  pass(5);
  EXPECT_THAT(sender_->batches, ElementsAre(Batch{"1", "2", "3"}));
  pass(1000);
  EXPECT_THAT(sender_->batches, ElementsAre(Batch{"1", "2", "3"}, Batch{"4", "5"}));
  EXPECT_TRUE(queue->idle());
}

TEST_F(QueueTest, RepeatsTheSameBatchWithGrowingGaps) {
  auto queue = make({});
  sender_->failures = 2;
  queue->push("x", sender_);
  pass(100);
  EXPECT_THAT(sender_->batches, ElementsAre(Batch{"x"}, Batch{"x"}, Batch{"x"}));
  EXPECT_GE(sender_->times[1] - sender_->times[0], 10);
  EXPECT_GE(sender_->times[2] - sender_->times[1], 20);
}

TEST_F(QueueTest, GivesABatchUpAfterTheRetryTime) {
  log::Capture capture;
  auto queue = make({.max_retry_time = 1});
  sender_->failures = 1000;
  queue->push("x", sender_);
  pass(5000);
  EXPECT_TRUE(queue->idle());
  EXPECT_EQ(lost("retries"), 1);
  log::flush();
  // Only counted when another test has lost something within the same second.
  EXPECT_THAT(capture.text(), AnyOf(HasSubstr("1 queue entries were lost"), HasSubstr("\"repeated\":")));
}

TEST_F(QueueTest, NeverRepeatsWhenTheRetryTimeIsNegative) {
  auto queue = make({.max_retry_time = -1});
  sender_->failures = 1000;
  queue->push("x", sender_);
  pass(100);
  EXPECT_EQ(sender_->batches.size(), 1U);
}

TEST_F(QueueTest, DropsTheOldestWhenItIsFull) {
  auto queue = make({.max_entries = 2});
  sender_->blocked = true;
  for (const char* entry : {"1", "2", "3", "4", "5"}) queue->push(entry, sender_);
  sender_->blocked = false;
  pass(50);
  EXPECT_THAT(sender_->batches, ElementsAre(Batch{"1"}, Batch{"4"}, Batch{"5"}));
  EXPECT_EQ(lost("full"), 2);
}

TEST_F(QueueTest, KeepsToItsLimitOfOctets) {
  auto queue = make({.max_bytes = 4});
  sender_->blocked = true;
  for (const char* entry : {"11", "22", "33", "44", "55555"}) queue->push(entry, sender_);
  sender_->blocked = false;
  pass(50);
  EXPECT_THAT(sender_->batches, ElementsAre(Batch{"11"}, Batch{"33"}, Batch{"44"}));
  EXPECT_EQ(lost("too_large"), 1);
}

TEST_F(QueueTest, SendsEachEntryOnItsOwnWithoutAConcurrencyLimit) {
  auto queue = make({.max_batch_size = 10, .concurrency_limit = -1});
  queue->push("1", sender_);
  queue->push("2", sender_);
  EXPECT_THAT(sender_->batches, ElementsAre(Batch{"1"}, Batch{"2"}));
}

TEST_F(QueueTest, CancelsWhatIsUnderWayWhenItGoes) {
  auto queue = make({.max_batch_size = 3});
  queue->push("1", sender_);
  queue = nullptr;
  pass(2000);
  EXPECT_TRUE(sender_->batches.empty());
}

TEST_F(QueueTest, DrainSendsUnfinishedBatchesAtOnce) {
  FileWriter writer;
  Sinks sinks(reactor_, writer, metrics_);
  sinks.queue("http-log", "k", {.max_batch_size = 3, .max_coalescing_delay = 3600})->push("1", sender_);
  auto drained = sinks.drain(reactor_.after_ms(1000));
  drained.start();
  pass(20);
  EXPECT_TRUE(drained.ready());
  EXPECT_THAT(sender_->batches, ElementsAre(Batch{"1"}));
}

TEST_F(QueueTest, ANewConfigurationFindsTheQueueOfTheOldOne) {
  FileWriter writer;
  Sinks sinks(reactor_, writer, metrics_);
  auto first = sinks.queue("http-log", "k", {});
  EXPECT_EQ(sinks.queue("http-log", "k", {.max_batch_size = 2}).get(), first.get());
}

}  // namespace
}  // namespace sluice::telemetry
