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

/// The first so many groups of an IPv6 address, as far as they are written out; an IPv4 address as it is.
std::string_view network_of(std::string_view address, std::size_t most_groups) {
  if (!address.contains(':')) return address;
  std::size_t groups = 0;
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (address.substr(i).starts_with("::")) return address.substr(0, i);
    if (address[i] == ':' && ++groups == most_groups) return address.substr(0, i);
  }
  return address;
}

/// Whoever has one address of a /64 has all of them.
std::string address_key(std::string_view address) {
  return "address " + std::string(network_of(address, 4));
}

}  // namespace

std::int64_t LoginThrottle::admit(std::string_view account, std::string_view address, std::int64_t now) {
  std::int64_t wait = 0;
  const std::vector<Count> counts = counted(account, address);
  for (const Count& one : counts) wait = std::max(wait, wait_for(one, now));
  if (wait > 0) return wait;
  for (const Count& one : counts) count(one.key, now);
  return 0;
}

bool LoginThrottle::knows(std::string_view account, std::string_view address) const {
  return friends_.contains(account_key(account) + address_key(address));
}

void LoginThrottle::succeeded(std::string_view account, std::string_view address) {
  for (const Count& one : counted(account, address)) {
    const auto at = attempts_.find(one.key);
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

std::vector<LoginThrottle::Count> LoginThrottle::counted(std::string_view account, std::string_view address) const {
  std::string who = account_key(account);
  std::string where = address_key(address);
  if (knows(account, address)) return {{who + where}};
  std::vector<Count> counts = {{std::move(who)}, {std::move(where)}};
  if (address.contains(':')) counts.push_back({"network " + std::string(network_of(address, 3)), kMostOfNetwork});
  return counts;
}

std::int64_t LoginThrottle::wait_for(const Count& count, std::int64_t now) {
  const auto at = attempts_.find(count.key);
  if (at == attempts_.end()) return 0;
  Times& times = at->second;
  while (!times.empty() && times.front() + kWindowMs <= now) times.pop_front();
  return times.size() < count.most ? 0 : times.front() + kWindowMs - now;
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
