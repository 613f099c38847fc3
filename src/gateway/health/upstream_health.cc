// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/upstream_health.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"

namespace sluice::gateway {
namespace {

constexpr std::int64_t kKeptUnusedMs = 300'000;  // reference gateway.md, 5.3
constexpr std::int64_t kSweepMs = 1000;

bool contains(const std::vector<int>& statuses, int status) {
  return std::ranges::find(statuses, status) != statuses.end();
}

std::string_view reason(Outcome outcome) {
  switch (outcome) {
    case Outcome::Success:
      return "successes";
    case Outcome::HttpFailure:
      return "statuses";
    case Outcome::TcpFailure:
      return "connection failures";
    case Outcome::Timeout:
      return "timeouts";
  }
  return "";
}

/// How many outcomes of a kind in a row change the verdict; 0: they never do.
int limit_of(const entity::Healthchecks& policy, Witness witness, Outcome outcome) {
  const auto of = [outcome](const auto& checks) {
    switch (outcome) {
      case Outcome::Success:
        return checks.healthy.successes;
      case Outcome::HttpFailure:
        return checks.unhealthy.http_failures;
      case Outcome::TcpFailure:
        return checks.unhealthy.tcp_failures;
      case Outcome::Timeout:
        return checks.unhealthy.timeouts;
    }
    return 0;
  };
  return witness == Witness::Probe ? of(policy.active) : of(policy.passive);
}

}  // namespace

std::shared_ptr<AddressState> UpstreamHealth::address(std::string_view target, const net::Address& where,
                                                      std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  forget_unused(now_ms);
  Known& known = addresses_[{std::string(target), where.to_string()}];
  if (!known.state) {
    known.state = std::make_shared<AddressState>(std::string(target), where);
    known.state->begin_anew(now_ms);
  }
  known.unused_since_ms = 0;
  return known.state;
}

/// With the lock held.
void UpstreamHealth::forget_unused(std::int64_t now_ms) {
  if (now_ms < next_sweep_ms_) return;
  next_sweep_ms_ = now_ms + kSweepMs;
  for (auto entry = addresses_.begin(); entry != addresses_.end();) {
    Known& known = entry->second;
    if (known.state.use_count() > 1) {
      known.unused_since_ms = 0;
    } else if (known.unused_since_ms == 0) {
      known.unused_since_ms = std::max<std::int64_t>(1, now_ms);
    }
    const bool stale = known.unused_since_ms != 0 && now_ms - known.unused_since_ms > kKeptUnusedMs;
    entry = stale ? addresses_.erase(entry) : std::next(entry);
  }
}

void UpstreamHealth::report(AddressState& address, const entity::Healthchecks& policy, Witness witness,
                            Outcome outcome) {
  const unsigned run = address.count(outcome);
  const int limit = limit_of(policy, witness, outcome);
  if (limit == 0 || run < static_cast<unsigned>(limit)) return;
  const bool good = outcome == Outcome::Success;
  if (address.healthy() == good) return;
  // Where nothing would ever bring targets back, the last one stays: an answer that may fail is better than none.
  const bool stays = !good && witness == Witness::Request && policy.threshold <= 0 &&
                     policy.active.unhealthy.interval <= 0 && is_last(address);
  if (!stays) change(address, good, witness, outcome);
}

void UpstreamHealth::report_status(AddressState& address, const entity::Healthchecks& policy, Witness witness,
                                   int status) {
  const bool probe = witness == Witness::Probe;
  if (!probe && policy.passive.type == "tcp") return;
  if (contains(probe ? policy.active.healthy.http_statuses : policy.passive.healthy.http_statuses, status)) {
    report(address, policy, witness, Outcome::Success);
  } else if (contains(probe ? policy.active.unhealthy.http_statuses : policy.passive.unhealthy.http_statuses, status)) {
    report(address, policy, witness, Outcome::HttpFailure);
  }
}

/// What requests find out is news, what probes find out worth a warning: a client must not be able to cause one.
void UpstreamHealth::change(AddressState& address, bool healthy, Witness witness, Outcome outcome) {
  if (!address.set_healthy(healthy)) return;
  epoch_.fetch_add(1, std::memory_order_release);
  const std::string_view by = witness == Witness::Probe ? "probe" : "requests";
  const std::string where = address.where().to_string();
  const log::Fields fields = {
      {"upstream", name_}, {"target", address.target()}, {"address", where}, {"by", by}, {"reason", reason(outcome)}};
  if (healthy) {
    log::info("upstream.target_healthy", fields);
  } else if (witness == Witness::Probe) {
    log::warn("upstream.target_unhealthy", fields);
  } else {
    log::info("upstream.target_unhealthy", fields);
  }
}

/// Whether every other address that somebody uses is out.
bool UpstreamHealth::is_last(const AddressState& address) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::none_of(addresses_, [&](const auto& entry) {
    const std::shared_ptr<AddressState>& other = entry.second.state;
    return other.get() != &address && other.use_count() > 1 && other->healthy() && !is_out_locked(*other);
  });
}

void UpstreamHealth::mark(std::string_view place, bool healthy) {
  const std::lock_guard lock(mutex_);
  const std::size_t slash = place.find('/');
  const std::string target(place.substr(0, slash));
  const std::string address(slash == place.npos ? "" : place.substr(slash + 1));
  const auto meant = [&](const auto& key) { return key.first == target && (address.empty() || key.second == address); };
  std::erase_if(marks_, [&](const auto& entry) { return meant(entry.first); });
  if (healthy) {
    for (auto& [key, known] : addresses_) {
      if (meant(key)) known.state->set_healthy(true);
    }
  }
  const bool differs = !address.empty() && marks_.contains({target, ""});
  if (!healthy || differs) marks_.emplace(std::pair{target, address}, healthy);
  epoch_.fetch_add(1, std::memory_order_release);
}

bool UpstreamHealth::is_out_locked(const AddressState& address) const {
  if (marks_.empty()) return false;
  const auto own = marks_.find({address.target(), address.where().to_string()});
  return own != marks_.end() ? !own->second : marks_.contains({address.target(), ""});
}

bool UpstreamHealth::is_out(const AddressState& address) const {
  const std::lock_guard lock(mutex_);
  return is_out_locked(address);
}

void UpstreamHealth::note_name(std::string_view target, bool resolved) {
  const std::lock_guard lock(mutex_);
  if (!resolved) {
    unresolved_.emplace(target);
  } else if (auto found = unresolved_.find(target); found != unresolved_.end()) {
    unresolved_.erase(found);
  }
}

bool UpstreamHealth::is_unresolved(std::string_view target) const {
  const std::lock_guard lock(mutex_);
  return unresolved_.contains(target);
}

bool UpstreamHealth::is_marked(std::string_view target) const {
  const std::lock_guard lock(mutex_);
  return marks_.contains({std::string(target), ""});
}

std::vector<std::pair<std::string, bool>> UpstreamHealth::marked_addresses(std::string_view target) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, bool>> marked;
  for (const auto& [key, healthy] : marks_) {
    if (key.first == target && !key.second.empty()) marked.emplace_back(key.second, healthy);
  }
  return marked;
}

std::vector<std::string> UpstreamHealth::marked() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> targets;
  for (const auto& [key, healthy] : marks_) {
    if (targets.empty() || targets.back() != key.first) targets.push_back(key.first);
  }
  return targets;
}

std::vector<std::shared_ptr<const AddressState>> UpstreamHealth::addresses() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const AddressState>> in_use;
  for (const auto& [key, known] : addresses_) {
    if (known.state.use_count() > 1) in_use.push_back(known.state);
  }
  return in_use;
}

std::shared_ptr<UpstreamHealth> HealthBoard::of(const Uuid& upstream, std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<UpstreamHealth>& health = upstreams_[upstream];
  if (!health) health = std::make_shared<UpstreamHealth>(std::string(name));
  return health;
}

std::shared_ptr<UpstreamHealth> HealthBoard::find(const Uuid& upstream) const {
  const std::lock_guard lock(mutex_);
  const auto found = upstreams_.find(upstream);
  return found != upstreams_.end() ? found->second : nullptr;
}

void HealthBoard::forget(const std::function<bool(const Uuid&, std::string_view)>& is_gone) {
  const std::lock_guard lock(mutex_);
  std::erase_if(upstreams_, [&](const auto& entry) {
    if (is_gone(entry.first, {})) return true;
    for (const std::string& target : entry.second->marked()) {
      if (is_gone(entry.first, target)) entry.second->mark(target, true);
    }
    return false;
  });
}

}  // namespace sluice::gateway
