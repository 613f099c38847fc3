// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "control/platform/endpoints.h"

namespace sluice::control::platform {
namespace {

using planes::TrafficHistory;

constexpr double kMedian = 0.5;
constexpr double kNearlyAll = 0.99;

/// How many spans the query asks for: `minutes`, all there are without it.
std::expected<std::size_t, Reply> spans_of(const Request& request) {
  constexpr std::size_t kPerMinute = 60'000 / TrafficHistory::kSpanMs;
  constexpr std::size_t kMost = TrafficHistory::kSlots / kPerMinute;
  const std::string* text = request.query.find("minutes");
  if (text == nullptr) return TrafficHistory::kSlots;
  const auto minutes = parse_int<std::size_t>(*text);
  if (minutes && *minutes >= 1 && *minutes <= kMost) return *minutes * kPerMinute;
  return std::unexpected(Reply::message(400, "minutes: must be between 1 and " + std::to_string(kMost)));
}

/// To three decimals: enough for a chart, and short.
Json rounded(double value) {
  constexpr double kThousand = 1000;
  return std::round(value * kThousand) / kThousand;
}

Json::Array column(const std::vector<const TrafficHistory::Slot*>& slots, auto&& value_of) {
  Json::Array values;
  values.reserve(slots.size());
  for (const auto* slot : slots) values.push_back(slot != nullptr ? rounded(value_of(*slot)) : Json());
  return values;
}

/// A column each, so that an hour is a few kilobytes.
Json show(const TrafficHistory& traffic, std::size_t count, std::int64_t now_ms) {
  using Slot = TrafficHistory::Slot;
  const auto slots = traffic.last(count, now_ms);
  const std::int64_t first = TrafficHistory::last_complete(now_ms) - static_cast<std::int64_t>(slots.size()) + 1;
  constexpr std::int64_t kSpanSeconds = TrafficHistory::kSpanMs / 1000;
  return Json::Object{
      {"from", first * kSpanSeconds},
      {"interval", kSpanSeconds},
      {"nodes_reporting", traffic.reporting(now_ms)},
      {"requests", column(slots, [](const Slot& slot) { return slot.requests; })},
      {"client_errors", column(slots, [](const Slot& slot) { return slot.client_errors; })},
      {"server_errors", column(slots, [](const Slot& slot) { return slot.server_errors; })},
      {"p50_ms", column(slots, [](const Slot& slot) { return slot.quantile(kMedian); })},
      {"p99_ms", column(slots, [](const Slot& slot) { return slot.quantile(kNearlyAll); })},
  };
}

Reply read(const Parts& parts, const Request& request) {
  const auto plane = open_plane(parts, request);
  if (!plane) return plane.error();
  const auto spans = spans_of(request);
  if (!spans) return spans.error();
  return Reply::json(200, show((*plane)->traffic(), *spans, unix_millis()));
}

}  // namespace

void add_traffic(admin::RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/v2/control-planes/{id}/traffic", [&parts](const Request& request) { return read(parts, request); });
}

}  // namespace sluice::control::platform
