// SPDX-License-Identifier: Apache-2.0
#include "control/iam/login_throttle.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "crypto/hash.h"

namespace sluice::control::iam {
namespace {

constexpr std::size_t kMostFriends = 4096;

/// Hashed: what people type as an address may be their password, and is as long as they like.
std::string account_key(std::string_view account) {
  return "account " + crypto::sha256(to_lower(account));
}

/// Whoever has one address of a /64 has all of them.
std::string address_key(std::string_view address) {
  std::string key = "address " + std::string(address);
  const bool is_v6 = address.contains(':');
  if (!is_v6) return key;
  std::size_t groups = 0;
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (address.substr(i).starts_with("::")) return "address " + std::string(address.substr(0, i));
    if (address[i] == ':' && ++groups == 4) return "address " + std::string(address.substr(0, i));
  }
  return key;
}

}  // namespace

std::int64_t LoginThrottle::admit(std::string_view account, std::string_view address, std::int64_t now) {
  std::int64_t wait = 0;
  const std::vector<std::string> keys = counted(account, address);
  for (const std::string& key : keys) wait = std::max(wait, wait_for(key, now));
  if (wait > 0) return wait;
  for (const std::string& key : keys) count(key, now);
  return 0;
}

void LoginThrottle::succeeded(std::string_view account, std::string_view address) {
  for (const std::string& key : counted(account, address)) {
    const auto at = attempts_.find(key);
    if (at != attempts_.end() && !at->second.empty()) at->second.pop_back();
  }
  if (friends_.size() >= kMostFriends) friends_.erase(friends_.begin());
  friends_.insert_or_assign(account_key(account) + address_key(address), true);
}

bool LoginThrottle::is_news(std::string_view address, std::int64_t now) {
  std::string where = address_key(address);
  const auto at = told_.find(where);
  if (at != told_.end() && at->second + kWindowMs > now) return false;
  if (told_.size() >= kMostKeys) {
    std::erase_if(told_, [&](const auto& entry) { return entry.second + kWindowMs <= now; });
  }
  if (told_.size() >= kMostKeys) return false;  // enough is known of such a minute
  told_.insert_or_assign(std::move(where), now);
  return true;
}

std::vector<std::string> LoginThrottle::counted(std::string_view account, std::string_view address) const {
  std::string who = account_key(account);
  std::string where = address_key(address);
  if (friends_.contains(who + where)) return {who + where};
  return {std::move(who), std::move(where)};
}

std::int64_t LoginThrottle::wait_for(const std::string& key, std::int64_t now) {
  const auto at = attempts_.find(key);
  if (at == attempts_.end()) return 0;
  Times& times = at->second;
  while (!times.empty() && times.front() + kWindowMs <= now) times.pop_front();
  return times.size() < kMostAttempts ? 0 : times.front() + kWindowMs - now;
}

void LoginThrottle::count(const std::string& key, std::int64_t now) {
  const auto [at, is_new] = attempts_.try_emplace(key);
  at->second.push_back(now);
  if (!is_new) return;
  order_.push_back(key);
  if (order_.size() <= kMostKeys) return;
  attempts_.erase(order_.front());
  order_.pop_front();
}

}  // namespace sluice::control::iam
