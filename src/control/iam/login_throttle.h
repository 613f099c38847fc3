// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::control::iam {

/// Counts log-ins, so that passwords cannot be guessed: at most ten wrong ones a minute for an account, and ten from an
/// address (a /64 of IPv6; a hundred from a /48), whether the account exists or not. An account that was signed in to
/// from an address before has ten of its own there: neither what is tried elsewhere nor what is tried there for other
/// accounts locks it out. Belongs to one shard; replicas count apart. What it remembers is bounded: the oldest goes
/// first.
class LoginThrottle {
 public:
  static constexpr std::size_t kMostAttempts = 10;
  static constexpr std::size_t kMostOfNetwork = 100;  // of a /48, which one customer of a provider may have
  static constexpr std::int64_t kWindowMs = 60'000;
  static constexpr std::size_t kMostKeys = 20'000;

  /// Counts an attempt. 0: it may be made; else the milliseconds until another one may. `now` is monotonic, in
  /// milliseconds.
  std::int64_t admit(std::string_view account, std::string_view address, std::int64_t now);
  /// Whether the account was signed in to from there before.
  [[nodiscard]] bool knows(std::string_view account, std::string_view address) const;
  /// The attempt that was counted last for them was a good one.
  void succeeded(std::string_view account, std::string_view address);
  /// Whether a refusal of that address is worth writing down: the first of a minute is.
  bool is_news(std::string_view address, std::int64_t now);

 private:
  using Times = std::deque<std::int64_t>;
  using Table = std::map<std::string, Times, std::less<>>;
  struct Count {
    std::string key;
    std::size_t most = kMostAttempts;
  };
  /// What an attempt counts against.
  [[nodiscard]] std::vector<Count> counted(std::string_view account, std::string_view address) const;
  [[nodiscard]] std::int64_t wait_for(const Count& count, std::int64_t now);
  void count(const std::string& key, std::int64_t now);

  Table attempts_;
  std::list<std::string> order_;                           // of what is in attempts_, oldest first
  std::map<std::string, bool, std::less<>> friends_;       // account and address that have got on before
  std::map<std::string, std::int64_t, std::less<>> told_;  // when a refusal was news, by address
};

}  // namespace sluice::control::iam
