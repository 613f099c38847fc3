// SPDX-License-Identifier: Apache-2.0
#include "control/publish/store_ledger.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"

namespace sluice::control::publish {
namespace {

constexpr std::size_t kEntriesAtATime = 10'000;
constexpr Millis kWait{30'000};          // for news; then it asks again
constexpr std::int64_t kRetryMs = 1000;  // after the store could not be asked

}  // namespace

Task<std::expected<store::Version, store::CommitError>> StoreLedger::commit(store::Version expected,
                                                                            std::vector<store::Commit> group) {
  return store_.commit(expected, std::move(group));
}

Task<Result<std::vector<store::LogEntry>>> StoreLedger::read_log(store::Version after) {
  std::vector<store::LogEntry> all;
  while (true) {
    CO_TRY(std::vector<store::LogEntry> some, co_await store_.read_log(after, kEntriesAtATime));
    if (some.empty()) co_return all;
    after = some.back().version;
    std::ranges::move(some, std::back_inserter(all));
  }
}

Task<Result<store::Contents>> StoreLedger::load() {
  return store_.load();
}

Task<Result<>> LogFollower::catch_up() {
  auto entries = co_await store_.read_log(publisher_.version(), kEntriesAtATime);
  if (entries) {
    co_await publisher_.follow(*std::move(entries));
    co_return Result<>{};
  }
  if (entries.error().code != Errc::NotFound) co_return std::unexpected(std::move(entries).error());
  CO_TRY(store::Contents contents, co_await store_.load());
  co_await publisher_.follow(std::move(contents));
  co_return Result<>{};
}

Task<void> LogFollower::follow() {
  bool healthy = true;
  while (true) {
    const auto news = co_await store_.wait_for_change(publisher_.version(), kWait);
    Result<> done;
    if (news && *news) done = co_await catch_up();
    if (!news) done = std::unexpected(news.error());
    if (done) {
      if (!healthy) log::info("publish.following_again");
      healthy = true;
      continue;
    }
    if (healthy) log::warn("publish.cannot_follow", {{"error", done.error()}});
    healthy = false;
    co_await rt::Sleep(reactor_, reactor_.after_ms(kRetryMs));
  }
}

}  // namespace sluice::control::publish
