// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/uuid.h"
#include "control/iam/token_book.h"
#include "sync/delta.h"

// What accounts consist of, each a row of the store. Times are milliseconds since 1970 by the wall clock; 0: never.
// `row()` is the form in which the store keeps it, `parse()` reads that. Nothing of it opens a door: of tokens there is
// the SHA-256 (they are 256 random bits, which need no slow hash), of passwords an argon2id hash that the store seals.
namespace sluice::control::iam {

/// Whom everything belongs to. There is one.
struct Organization {
  Uuid id;
  std::string name;
  Uuid owner;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;

  static constexpr std::string_view kType = "_organization";
  [[nodiscard]] sync::EntityRow row() const;
  static Result<Organization> parse(const Uuid& id, std::string_view text);
};

struct User {
  Uuid id;
  std::string email;  // unique, but for the case of its letters
  std::string full_name;
  std::string preferred_name;
  Role role = Role::Administrator;
  bool active = true;    // whether they may come in at all
  std::string password;  // as hash_password() makes it; empty: none was chosen yet
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;

  static constexpr std::string_view kType = "_user";
  [[nodiscard]] sync::EntityRow row() const;
  static Result<User> parse(const Uuid& id, std::string_view text);
};

/// Somebody who is signed in with a browser.
struct Session {
  Uuid id;
  Uuid user;
  std::string digest;
  std::uint64_t epoch = 0;  // of the store: what a restored backup brings back of sessions is void
  std::int64_t created_ms = 0;
  std::int64_t used_ms = 0;  // to within a few minutes
  std::string address;
  std::string agent;  // what the browser says it is; for people, and not to be trusted

  static constexpr std::string_view kType = "_session";
  [[nodiscard]] sync::EntityRow row() const;
  static Result<Session> parse(const Uuid& id, std::string_view text);
};

/// A personal access token: it may what its user may.
struct AccessToken {
  Uuid id;
  Uuid user;
  std::string name;
  std::string digest;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t expires_ms = 0;
  std::int64_t used_ms = 0;  // to within a few minutes
  std::int64_t revoked_ms = 0;
  Uuid revoked_by;

  static constexpr std::string_view kType = "_access_token";
  [[nodiscard]] sync::EntityRow row() const;
  static Result<AccessToken> parse(const Uuid& id, std::string_view text);
};

/// A link that may be followed once: to make the first account, or to choose a password for one.
struct Link {
  Uuid id;
  Uuid user;  // nil: the first account
  std::string digest;
  std::uint64_t epoch = 0;  // as of a session; add_link() sets it
  std::int64_t created_ms = 0;
  std::int64_t expires_ms = 0;

  static constexpr std::string_view kType = "_link";
  [[nodiscard]] sync::EntityRow row() const;
  static Result<Link> parse(const Uuid& id, std::string_view text);
};

/// Something that changed nothing but is to be known of: a log-in that was refused. All of them are versions of one
/// row, so that the log has each and the store holds the last.
struct Event {
  std::string what;     // "log-in refused"
  std::string account;  // whom it concerns, if that is an account
  std::string address;
  std::int64_t unsaid = 0;  // how many like it were left out before, because there were too many

  static constexpr std::string_view kType = "_event";
  [[nodiscard]] sync::EntityRow row() const;
};

sync::EntityKey key_of(std::string_view type, const Uuid& id);

}  // namespace sluice::control::iam
