// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "control/iam/accounts.h"
#include "control/iam/allow.h"
#include "control/iam/token_book.h"
#include "settings/settings.h"

namespace sluice::control::iam {

/// Everything that opens the Admin API and the platform API: the setting admin_token, the tokens of `sluice token`, the
/// access tokens and sessions of accounts. The one place that turns any of them into a Principal. Belongs to the
/// control shard.
class Credentials {
 public:
  /// All outlive it; `tokens` and `accounts` are null where nothing is stored.
  Credentials(const settings::Settings& settings, const TokenBook* tokens, const Accounts* accounts)
      : settings_(settings), tokens_(tokens), accounts_(accounts) {}

  /// Whether any are needed: admin_auth=token, or there is an account.
  [[nodiscard]] bool needed() const;
  /// Whom a token stands for; nothing when it is none.
  [[nodiscard]] std::optional<Principal> by_token(std::string_view text) const;
  [[nodiscard]] std::optional<Principal> by_session(std::string_view text) const;

 private:
  const settings::Settings& settings_;
  const TokenBook* tokens_;
  const Accounts* accounts_;
};

}  // namespace sluice::control::iam
