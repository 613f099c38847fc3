// SPDX-License-Identifier: Apache-2.0
#include "control/publish/expiry.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "control/publish/carrying_out.h"

namespace sluice::control::publish {
namespace {

constexpr std::size_t kRowsAtATime = 250;  // so that other writes wait for tenths of a second at most
constexpr std::int64_t kEveryMs = 1000;
constexpr std::int64_t kAfterFailureMs = 30'000;
constexpr const char* kAuthor = "expiry";  // whom the audit shows

/// What expired by then goes.
std::int64_t latest_expiry() {
  return unix_seconds() - kExpiryGraceSeconds;
}

/// Whether some row was past its time by then.
bool something_expired(const store::MemoryStore& store, std::int64_t then) {
  for (const auto& [workspace, space] : store.spaces()) {
    for (const store::Table& table : space.tables()) {
      if (!table.expired(then, 1).empty()) return true;
    }
  }
  return false;
}

class RemovalOfExpired final : public Change {
 public:
  RemovalOfExpired(const entity::Catalog& catalog, std::size_t limit) : catalog_(catalog), limit_(limit) {}

  /// Looks when it is its turn: until then somebody may have given a row more time.
  std::expected<void, Refusal> prepare(Draft& draft) override {
    const std::int64_t then = latest_expiry();
    Work work{.catalog = catalog_, .draft = draft, .now = static_cast<double>(unix_seconds())};
    std::vector<Work::Place> rows;
    for (const auto& [workspace, space] : draft.store().spaces()) {
      for (const store::Table& table : space.tables()) {
        for (const Uuid& id : table.expired(then, limit_ - rows.size()))
          rows.push_back({&table.type(), id, workspace, 0});
      }
    }
    for (const Work::Place& row : rows) remove_row(work, *row.type, row.workspace, row.id, 0);
    return {};
  }

  [[nodiscard]] Refusal locate(const std::vector<sync::ConfigProblem>& problems) const override {
    std::string what = "without what has expired: ";
    for (const auto& problem : problems) what += problem.type + " " + problem.id.to_string() + ": " + problem.message;
    return {.cause = Refusal::Cause::Internal, .what = std::move(what)};
  }

 private:
  const entity::Catalog& catalog_;
  const std::size_t limit_;
};

}  // namespace

std::unique_ptr<Change> removal_of_expired(const entity::Catalog& catalog, std::size_t limit) {
  return std::make_unique<RemovalOfExpired>(catalog, limit);
}

Task<bool> ExpirySweep::sweep_some() {
  if (!something_expired(publisher_.store(), latest_expiry())) co_return false;
  const auto done = co_await publisher_.submit(removal_of_expired(publisher_.store().catalog(), kRowsAtATime), kAuthor);
  if (!done) {
    log::warn("publish.expired_not_removed", {{"error", done.error().text()}});
    co_await rt::Sleep(reactor_, reactor_.after_ms(kAfterFailureMs));
    co_return false;
  }
  co_return done->delta.removals.size() >= kRowsAtATime;
}

Task<void> ExpirySweep::sweep() {
  while (true) {
    const bool more = co_await sweep_some();
    // Others get their turn between batches, too.
    co_await rt::Sleep(reactor_, reactor_.after_ms(more ? 1 : kEveryMs));
  }
}

}  // namespace sluice::control::publish
