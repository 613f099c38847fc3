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

Task<Result<store::LogPart>> StoreLedger::read_log(store::Version after) {
  store::LogPart all{.reached = after};
  while (true) {
    CO_TRY(store::LogPart some, co_await store_.read_log(all.reached, kEntriesAtATime));
    if (some.reached == all.reached) co_return all;
    all.reached = some.reached;
    std::ranges::move(some.entries, std::back_inserter(all.entries));
  }
}

Task<Result<store::LogPart>> StoreLedger::read_touched(store::Version after, std::size_t most) {
  return store_.read_touched(after, most);
}

Task<Result<store::Contents>> StoreLedger::load() {
  return store_.load();
}

Task<Result<>> LogFollower::catch_up() {
  auto news = co_await store_.read_log(publisher_.version(), kEntriesAtATime);
  if (news) {
    co_await publisher_.follow(*std::move(news));
    co_return Result<>{};
  }
  if (news.error().code != Errc::NotFound) co_return std::unexpected(std::move(news).error());
  CO_TRY(store::Contents contents, co_await store_.load());
  co_await publisher_.follow(std::move(contents));
  co_return Result<>{};
}

Task<void> LogFollower::follow() {
  bool healthy = true;
  while (true) {
    const store::Version known = publisher_.version();
    const auto news = co_await store_.wait_for_change(known, kWait);
    Result<> done;
    const bool ours = publisher_.version() != known;  // then our own commit was the news
    if (news && *news && !ours) done = co_await catch_up();
    if (!news) done = std::unexpected(news.error());
    if (done) {
      if (!healthy) log::info("publish.following_again");
      healthy = true;
      // News that lead nowhere would be news again at once.
      const bool stuck = *news && publisher_.version() == known;
      if (stuck) co_await rt::Sleep(reactor_, reactor_.after_ms(kRetryMs));
      continue;
    }
    if (healthy) log::warn("publish.cannot_follow", {{"error", done.error()}});
    healthy = false;
    co_await rt::Sleep(reactor_, reactor_.after_ms(kRetryMs));
  }
}

}  // namespace sluice::control::publish
