// SPDX-License-Identifier: Apache-2.0
#include "control/planes/traffic_history.h"

#include <algorithm>
#include <numeric>

namespace sluice::control::planes {
namespace {

constexpr std::int64_t kForgetMs = TrafficHistory::kSpanMs * static_cast<std::int64_t>(TrafficHistory::kSlots);
constexpr std::int64_t kSilentMs = 60'000;
constexpr std::size_t kMostNodes = 20'000;
/// Nodes tell every ten seconds: a span is complete when the last of them has told of its end.
constexpr std::int64_t kTellMs = 11'000;

/// What was counted between two readings; a node that counts from zero again has been restarted.
sync::Traffic difference(const sync::Traffic& before, const sync::Traffic& after) {
  if (after.requests < before.requests) return after;
  const auto grown = [](std::uint64_t from, std::uint64_t to) { return to >= from ? to - from : 0; };
  sync::Traffic since;
  since.requests = after.requests - before.requests;
  since.client_errors = grown(before.client_errors, after.client_errors);
  since.server_errors = grown(before.server_errors, after.server_errors);
  for (std::size_t i = 0; i < since.times.size(); ++i) since.times[i] = grown(before.times[i], after.times[i]);
  return since;
}

}  // namespace

double TrafficHistory::Slot::quantile(double part) const {
  const double all = std::accumulate(times.begin(), times.end(), 0.0);
  double left = all * part;
  for (std::size_t i = 0; i < times.size() && all > 0; ++i) {
    const double low = i == 0 ? 0 : sync::Traffic::kBounds[i - 1];
    if (i == sync::Traffic::kBounds.size()) return low;  // at least
    if (left <= times[i]) return low + (sync::Traffic::kBounds[i] - low) * left / times[i];
    left -= times[i];
  }
  return 0;
}

void TrafficHistory::note(const Uuid& node, const sync::Traffic& total, std::int64_t now_ms) {
  const auto found = told_.find(node);
  if (found == told_.end()) {
    if (now_ms >= forget_at_ms_) {
      forget_silent(now_ms);
      forget_at_ms_ = now_ms + kSilentMs;
    }
    if (told_.size() >= kMostNodes) return;
    told_.emplace(node, Told{total, now_ms});
    spread({}, now_ms, now_ms);  // from now on there is something to tell
    return;
  }
  Told& before = found->second;
  const std::int64_t elapsed = now_ms - before.at_ms;
  if (elapsed > 0 && elapsed < kForgetMs) spread(difference(before.total, total), before.at_ms, now_ms);
  before = {total, now_ms};
}

/// To the spans between both moments, by how much of each lies between them.
void TrafficHistory::spread(const sync::Traffic& since, std::int64_t from_ms, std::int64_t to_ms) {
  for (std::int64_t number = from_ms / kSpanMs; number <= to_ms / kSpanMs; ++number) {
    const std::int64_t begin = std::max(from_ms, number * kSpanMs);
    const std::int64_t end = std::min(to_ms, (number + 1) * kSpanMs);
    const double share = from_ms == to_ms ? 1 : static_cast<double>(end - begin) / static_cast<double>(to_ms - from_ms);
    Slot& into = slot(number);
    into.requests += static_cast<double>(since.requests) * share;
    into.client_errors += static_cast<double>(since.client_errors) * share;
    into.server_errors += static_cast<double>(since.server_errors) * share;
    for (std::size_t i = 0; i < into.times.size(); ++i) {
      into.times[i] += static_cast<float>(static_cast<double>(since.times[i]) * share);
    }
  }
}

TrafficHistory::Slot& TrafficHistory::slot(std::int64_t number) {
  slots_.resize(kSlots);
  Slot& found = slots_[static_cast<std::size_t>(number) % kSlots];
  if (found.number != number) {
    found = {};
    found.number = number;
  }
  return found;
}

std::int64_t TrafficHistory::last_complete(std::int64_t now_ms) {
  return (now_ms - kTellMs) / kSpanMs - 1;
}

std::vector<const TrafficHistory::Slot*> TrafficHistory::last(std::size_t count, std::int64_t now_ms) const {
  // The oldest slots may be taken for the newest spans already, which are not complete.
  std::vector<const Slot*> found(std::min(count, kSlots - 2), nullptr);
  if (slots_.empty()) return found;
  std::int64_t number = last_complete(now_ms);
  for (auto at = found.rbegin(); at != found.rend() && number >= 0; ++at, --number) {
    const Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
    if (slot.number == number) *at = &slot;
  }
  return found;
}

std::size_t TrafficHistory::reporting(std::int64_t now_ms) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(told_, [&](const auto& entry) { return now_ms - entry.second.at_ms < kSilentMs; }));
}

void TrafficHistory::forget_silent(std::int64_t now_ms) {
  std::erase_if(told_, [&](const auto& entry) { return now_ms - entry.second.at_ms >= kForgetMs; });
}

}  // namespace sluice::control::planes
