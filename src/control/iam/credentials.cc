// SPDX-License-Identifier: Apache-2.0
#include "control/iam/credentials.h"

#include "crypto/hash.h"

namespace sluice::control::iam {
namespace {

/// Compared as digests, so that not even the length shows in the time it takes.
bool same_token(std::string_view shown, const Secret<std::string>& wanted) {
  return !wanted.empty() && crypto::constant_time_equal(crypto::sha256(shown), crypto::sha256(wanted.reveal()));
}

}  // namespace

bool Credentials::needed() const {
  if (settings_.admin_auth == settings::AdminAuth::Token) return true;
  return accounts_ != nullptr && accounts_->state().closed();
}

std::optional<Principal> Credentials::by_token(std::string_view text) const {
  if (same_token(text, settings_.admin_token)) return Principal{Kind::Administrator, "admin"};
  auto found = tokens_ != nullptr ? tokens_->find(text) : std::nullopt;
  if (!found && accounts_ != nullptr) found = accounts_->by_token(text);
  return found;
}

std::optional<Principal> Credentials::by_session(std::string_view text) const {
  return accounts_ != nullptr ? accounts_->by_session(text) : std::nullopt;
}

}  // namespace sluice::control::iam
