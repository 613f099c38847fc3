// SPDX-License-Identifier: Apache-2.0
#include "control/iam/account_state.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "crypto/hash.h"

namespace sluice::control::iam {
namespace {

template <class Record>
const Record* find(const std::map<Uuid, Record>& records, const Uuid& id) {
  const auto at = records.find(id);
  return at != records.end() ? &at->second : nullptr;
}

}  // namespace

void AccountState::take(const store::Contents& contents) {
  *this = AccountState();
  for (const sync::EntityRow& row : contents.rows) put(row.type, row.id, *row.document);
  version_ = contents.version;
}

void AccountState::take(const store::LogPart& news) {
  if (news.reached <= version_) return;
  for (const store::LogEntry& entry : news.entries) {
    if (entry.version <= version_) continue;
    if (entry.document != nullptr) {
      put(entry.type, entry.id, *entry.document);
    } else {
      erase(entry.type, entry.id);
    }
  }
  version_ = news.reached;
}

void AccountState::put(std::string_view type, const Uuid& id, const std::string& text) {
  const auto keep = [&](auto& records, auto parsed, bool has_digest) {
    if (!parsed) {
      log::error("accounts.damaged_row", {{"type", type}, {"id", id.to_string()}, {"error", parsed.error()}});
      // What a later release wrote may well say that this opens nothing any more.
      erase(type, id);
      if (type == User::kType) unreadable_users_.insert(id);
      return;
    }
    erase(type, id);
    if constexpr (requires { parsed->digest; }) {
      if (has_digest) by_digest_.insert_or_assign(parsed->digest, id);
    }
    records.insert_or_assign(id, *std::move(parsed));
  };
  if (type == User::kType) keep(users_, User::parse(id, text), false);
  if (type == Session::kType) keep(sessions_, Session::parse(id, text), true);
  if (type == AccessToken::kType) keep(tokens_, AccessToken::parse(id, text), true);
  if (type == Link::kType) keep(links_, Link::parse(id, text), true);
  if (type != Organization::kType) return;
  if (auto parsed = Organization::parse(id, text)) organization_ = *std::move(parsed);
}

void AccountState::erase(std::string_view type, const Uuid& id) {
  const auto forget = [&](auto& records) {
    const auto at = records.find(id);
    if (at == records.end()) return;
    if constexpr (requires { at->second.digest; }) by_digest_.erase(at->second.digest);
    records.erase(at);
  };
  if (type == User::kType) forget(users_);
  if (type == User::kType) unreadable_users_.erase(id);
  if (type == Session::kType) forget(sessions_);
  if (type == AccessToken::kType) forget(tokens_);
  if (type == Link::kType) forget(links_);
}

bool AccountState::closed() const {
  return !unreadable_users_.empty() || std::ranges::any_of(users_, [](const auto& entry) {
    const User& user = entry.second;
    return user.active && user.role == Role::Administrator && !user.password.empty();
  });
}

const User* AccountState::find_user(const Uuid& id) const {
  return find(users_, id);
}

const User* AccountState::find_user(std::string_view email) const {
  const auto at = std::ranges::find_if(users_, [&](const auto& entry) { return iequals(entry.second.email, email); });
  return at != users_.end() ? &at->second : nullptr;
}

const AccessToken* AccountState::find_token(const Uuid& user, const Uuid& id) const {
  const AccessToken* token = find(tokens_, id);
  return token != nullptr && token->user == user ? token : nullptr;
}

const AccessToken* AccountState::find_token(std::string_view text) const {
  const auto at = by_digest_.find(crypto::sha256_hex(text));
  return at != by_digest_.end() ? find(tokens_, at->second) : nullptr;
}

const Session* AccountState::find_session(std::string_view text) const {
  const auto at = by_digest_.find(crypto::sha256_hex(text));
  return at != by_digest_.end() ? find(sessions_, at->second) : nullptr;
}

const Link* AccountState::find_link(std::string_view text) const {
  const auto at = by_digest_.find(crypto::sha256_hex(text));
  return at != by_digest_.end() ? find(links_, at->second) : nullptr;
}

}  // namespace sluice::control::iam
