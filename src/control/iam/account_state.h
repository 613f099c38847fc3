// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "control/iam/records.h"
#include "store/durable.h"

namespace sluice::control::iam {

/// The accounts as the store holds them, in memory: what a log of changes leads to. A value.
class AccountState {
 public:
  /// The name of its rows in the store.
  static constexpr std::string_view kStore = "accounts";

  /// Replaces what it knows.
  void take(const store::Contents& contents);
  /// Goes on; what it knows already is passed over.
  void take(const store::LogPart& news);
  [[nodiscard]] const store::Version& version() const { return version_; }

  /// Whether there is an account that an administrator can sign in to. From then on nobody is let in without one. One
  /// that cannot be read may be that.
  [[nodiscard]] bool closed() const;
  [[nodiscard]] const std::optional<Organization>& organization() const { return organization_; }
  [[nodiscard]] const std::map<Uuid, User>& users() const { return users_; }
  [[nodiscard]] const std::map<Uuid, Session>& sessions() const { return sessions_; }
  [[nodiscard]] const std::map<Uuid, AccessToken>& tokens() const { return tokens_; }
  [[nodiscard]] const std::map<Uuid, Link>& links() const { return links_; }

  // Null when there is none. Pointers last until the next take().
  [[nodiscard]] const User* find_user(const Uuid& id) const;
  [[nodiscard]] const User* find_user(std::string_view email) const;
  /// Of that user.
  [[nodiscard]] const AccessToken* find_token(const Uuid& user, const Uuid& id) const;
  /// By what was given to its owner, as the next.
  [[nodiscard]] const AccessToken* find_token(std::string_view text) const;
  [[nodiscard]] const Session* find_session(std::string_view text) const;
  [[nodiscard]] const Link* find_link(std::string_view text) const;

 private:
  void put(std::string_view type, const Uuid& id, const std::string& text);
  void erase(std::string_view type, const Uuid& id);

  store::Version version_;
  std::optional<Organization> organization_;
  std::map<Uuid, User> users_;
  std::set<Uuid> unreadable_users_;
  std::map<Uuid, Session> sessions_;
  std::map<Uuid, AccessToken> tokens_;
  std::map<Uuid, Link> links_;
  // Looked up by digest: how long that takes tells nothing about what opens.
  std::map<std::string, Uuid, std::less<>> by_digest_;
};

}  // namespace sluice::control::iam
