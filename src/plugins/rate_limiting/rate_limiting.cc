// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/hash.h"
#include "entity/service.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/limit_headers.h"
#include "plugins/rate_limiting/calendar_windows.h"
#include "plugins/rate_limiting/config.h"
#include "rt/shared/counter_table.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

using rate_limiting::LimitBy;
using rate_limiting::Policy;

constexpr std::array<std::string_view, kPeriods> kLimitHeaders = {
    "X-RateLimit-Limit-Second", "X-RateLimit-Limit-Minute", "X-RateLimit-Limit-Hour",
    "X-RateLimit-Limit-Day",    "X-RateLimit-Limit-Month",  "X-RateLimit-Limit-Year"};
constexpr std::array<std::string_view, kPeriods> kRemainingHeaders = {
    "X-RateLimit-Remaining-Second", "X-RateLimit-Remaining-Minute", "X-RateLimit-Remaining-Hour",
    "X-RateLimit-Remaining-Day",    "X-RateLimit-Remaining-Month",  "X-RateLimit-Remaining-Year"};

/// Names a counter: where the plugin is configured, whose requests they are, which period, which window. Fits into a
/// fixed room, so that counting allocates nothing.
class CounterKey {
 public:
  static constexpr std::size_t kScopeSize = 32;
  static constexpr std::size_t kMaxText = 64;

  explicit CounterKey(const std::array<char, kScopeSize>& scope) { append({scope.data(), scope.size()}); }

  void add_owner(LimitBy kind, std::string_view octets) {
    room_[size_++] = static_cast<char>(kind);
    if (octets.size() > kMaxText) {
      const std::uint64_t hash = hash_bytes(octets);
      append({reinterpret_cast<const char*>(&hash), sizeof(hash)});
    } else {
      append(octets);
    }
  }
  void add_owner(LimitBy kind, std::span<const std::uint8_t> octets) {
    add_owner(kind, std::string_view(reinterpret_cast<const char*>(octets.data()), octets.size()));
  }

  /// The key of one period's window; valid until the next call.
  [[nodiscard]] std::string_view of(std::size_t period, std::int64_t window_begin_s) {
    char* end = room_.data() + size_;
    *end = static_cast<char>(period);
    std::memcpy(end + 1, &window_begin_s, sizeof(window_begin_s));
    return {room_.data(), size_ + 1 + sizeof(window_begin_s)};
  }

 private:
  void append(std::string_view octets) {
    std::memcpy(room_.data() + size_, octets.data(), octets.size());
    size_ += octets.size();
  }
  std::array<char, kScopeSize + 1 + kMaxText + 1 + sizeof(std::int64_t)> room_;
  std::size_t size_ = 0;
};

class RateLimiting final : public Plugin {
 public:
  static constexpr std::string_view kName = "rate-limiting";
  static constexpr int kPriority = 910;
  using Config = rate_limiting::Config;

  static std::vector<std::pair<std::string, std::string>> check(const Config& config) {
    if (config.policy == Policy::Redis) return {{"policy", "redis is not supported yet; local counts on each node"}};
    if (config.policy == Policy::Cluster) return {{"policy", "cluster is not supported; local counts on each node"}};
    return {};
  }

  RateLimiting(Config config, const PluginIdentity& identity, PluginHost& host)
      : config_(std::move(config)), counters_(host.counters) {
    put_scope(0, identity.route_id);
    put_scope(16, identity.service_id);
    const auto limits = config_.limits();
    for (std::size_t period = 0; period < kPeriods; ++period) {
      if (const auto& limit = limits[period]) {
        limits_.push_back({period, static_cast<std::int64_t>(std::ceil(*limit)), fmt::format("{}", *limit)});
      }
    }
  }

  Task<Verdict> on_request(Exchange& ex) override {
    // A configuration with another policy is refused when it is loaded; should one get here, it must not count locally.
    if (config_.policy != Policy::Local) return unavailable();
    CounterKey key(scope_);
    add_owner(key, ex);
    std::array<std::int64_t, kPeriods> remaining{};  // before this request, by position in limits_
    const std::size_t stop = count(key, ex.clock().wall_ms(), remaining);
    const bool refused = stop != limits_.size();
    if (!config_.hide_client_headers) describe_limits(ex, remaining, stop);
    if (!refused) return Next{};
    return Reply{static_cast<int>(config_.error_code), config_.error_message};
  }

  Task<Verdict> on_response(Exchange& ex) override {
    if (!config_.hide_client_headers) ex.slot<LimitHeaders>().write_to(ex.response.headers);
    return Next{};
  }

 private:
  struct Limit {
    std::size_t period;
    std::int64_t requests;
    std::string text;
  };

  void put_scope(std::size_t at, std::string_view id) {
    if (const auto uuid = Uuid::parse(id)) std::memcpy(scope_.data() + at, uuid->octets.data(), uuid->octets.size());
  }

  [[nodiscard]] Verdict unavailable() const {
    if (config_.fault_tolerant) return Next{};
    return Error{Errc::Unsupported, Blame::Config, Retry::Never, "rate-limiting: this policy is not supported"};
  }

  /// Whoever the limit is for; the client's address where that is missing.
  void add_owner(CounterKey& key, const Exchange& ex) const {
    switch (config_.limit_by) {
      case LimitBy::Consumer:
        if (ex.authenticated.consumer != nullptr) {
          return key.add_owner(LimitBy::Consumer, ex.authenticated.consumer->id.octets);
        }
        [[fallthrough]];
      case LimitBy::Credential:
        if (ex.authenticated.has_credential) {
          return key.add_owner(LimitBy::Credential, ex.authenticated.credential_id);
        }
        break;
      case LimitBy::ConsumerGroup:
        if (ex.authenticated.consumer != nullptr && !ex.authenticated.consumer->consumer_groups.empty()) {
          return key.add_owner(LimitBy::ConsumerGroup, ex.authenticated.consumer->consumer_groups.front().octets);
        }
        break;
      case LimitBy::Service:
        if (ex.service != nullptr) return key.add_owner(LimitBy::Service, ex.service->id.value.octets);
        break;
      case LimitBy::Header:
        if (const auto value = ex.request.headers.get(config_.header_name.value_or(""))) {
          return key.add_owner(LimitBy::Header, *value);
        }
        break;
      case LimitBy::Path:
        if (ex.request.path == config_.path) return key.add_owner(LimitBy::Path, ex.request.path);
        break;
      case LimitBy::Ip:
        break;
    }
    key.add_owner(LimitBy::Ip, ex.client.forwarded_address.mapped_octets());
  }

  /// Counts the request in every period unless one of them is used up; returns that one's position, else the end.
  /// Counting is one step with looking, so that all shards together never let more than the limit pass.
  std::size_t count(CounterKey& key, std::int64_t now_ms, std::array<std::int64_t, kPeriods>& remaining) {
    const std::int64_t now_s = now_ms / 1000;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      const Limit& limit = limits_[i];
      const Window& window = windows_.at(limit.period, now_s);
      const std::int64_t used =
          counters_.take(key.of(limit.period, window.begin_s), limit.requests, now_ms, window.end_s * 1000);
      remaining[i] = limit.requests - used;
      if (remaining[i] <= 0) {
        undo(key, now_ms, i, remaining);
        return i;
      }
    }
    return limits_.size();
  }

  /// A refused request counts nowhere: takes back what was counted before `stop`, and looks at what comes after it.
  void undo(CounterKey& key, std::int64_t now_ms, std::size_t stop, std::array<std::int64_t, kPeriods>& remaining) {
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      const Limit& limit = limits_[i];
      const Window& window = windows_.at(limit.period, now_ms / 1000);
      const std::string_view name = key.of(limit.period, window.begin_s);
      if (i < stop) counters_.add(name, -1, now_ms, window.end_s * 1000);
      if (i > stop) remaining[i] = limit.requests - counters_.get(name, now_ms);
    }
  }

  /// The pair of each period, and the period with the fewest requests left (the longer one of equals) once more.
  void describe_limits(Exchange& ex, const std::array<std::int64_t, kPeriods>& remaining, std::size_t stop) {
    const bool refused = stop != limits_.size();
    auto& headers = ex.slot<LimitHeaders>();
    std::size_t tightest = 0;
    std::int64_t fewest = INT64_MAX;
    std::string_view fewest_text;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      const std::int64_t left = std::max<std::int64_t>(0, refused ? remaining[i] : remaining[i] - 1);
      const std::string_view text = decimal(ex.arena, left);
      headers.set(kLimitHeaders[limits_[i].period], limits_[i].text);
      headers.set(kRemainingHeaders[limits_[i].period], text);
      if (left <= fewest) {
        tightest = i;
        fewest = left;
        fewest_text = text;
      }
    }
    const std::size_t period = limits_[tightest].period;
    const std::int64_t now_s = ex.clock().wall_s();
    const std::int64_t elapsed = now_s - windows_.at(period, now_s).begin_s;
    const std::string_view reset = decimal(ex.arena, std::max<std::int64_t>(1, kPeriodSeconds[period] - elapsed));
    headers.set("RateLimit-Limit", limits_[tightest].text);
    headers.set("RateLimit-Remaining", fewest_text);
    headers.set("RateLimit-Reset", reset);
    if (refused) headers.set("Retry-After", reset);
  }

  static std::string_view decimal(Arena& arena, std::int64_t value) {
    constexpr std::size_t kDigits = 20;
    char room[kDigits];
    const char* end = std::to_chars(room, room + kDigits, value).ptr;
    return arena.copy({room, static_cast<std::size_t>(end - room)});
  }

  const Config config_;
  rt::shared::CounterTable& counters_;
  std::array<char, CounterKey::kScopeSize> scope_{};  // of the configuration row: route and service id
  std::vector<Limit> limits_;                         // from the shortest period to the longest
  CalendarWindows windows_;
};

}  // namespace

void add_rate_limiting(PluginRegistry& registry) {
  registry.add<RateLimiting>();
}

}  // namespace sluice::plugins
