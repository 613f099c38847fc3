// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "rt/offload.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "settings/account_rules.h"

namespace sluice::control::iam {

using settings::kLongestPassword;
using settings::password_problem;

/// argon2id (RFC 9106) with 64 MiB and three passes, in the form "$argon2id$v=19$...". Blocks for about 0.1 s. Throws
/// std::bad_alloc when there is no memory for it.
[[nodiscard]] std::string hash_password(std::string_view password);
/// Whether the password is the one that was hashed. An empty hash is nobody's, and takes as long. Blocks.
[[nodiscard]] bool verify_password(std::string_view hash, std::string_view password);

/// The same without blocking the shard: one at a time, on a thread of its own. Belongs to one shard.
class PasswordHasher {
 public:
  /// How many may wait; who comes after them is sent away.
  static constexpr std::size_t kMostWaiting = 32;
  /// Of these places, those that no stranger takes: a flood of log-ins leaves the door open for who has been here.
  static constexpr std::size_t kKeptPlaces = 8;
  enum class From : std::uint8_t { Stranger, Known };

  explicit PasswordHasher(rt::Reactor& reactor) : reactor_(reactor) {}
  PasswordHasher(const PasswordHasher&) = delete;
  PasswordHasher& operator=(const PasswordHasher&) = delete;

  /// For whoever has a session, a token or a link. Unavailable: too many wait.
  Task<Result<std::string>> hash(Secret<std::string> password);
  Task<Result<bool>> verify(std::string hash, Secret<std::string> password, From from);

 private:
  template <class Work>
  Task<Result<std::invoke_result_t<Work>>> run(From from, Work work);

  rt::Reactor& reactor_;
  std::unique_ptr<rt::BlockingPool> thread_;  // made when the first one comes
  const std::shared_ptr<std::atomic<std::size_t>> waiting_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace sluice::control::iam
