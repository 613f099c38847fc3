// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/iam/allow.h"

namespace sluice::control::iam {

enum class Role : std::uint8_t { Administrator, Reader };

/// "admin" or "read-only".
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] Result<Role> parse_role(std::string_view text);

/// An access token as it is kept: its text is known only to whoever it was made for.
struct Token {
  std::string name;
  Role role = Role::Reader;
  std::string digest;  // SHA-256 of the text, lower-case hexadecimal digits
  std::int64_t created_at = 0;

  /// The form in which stores keep it: a JSON object.
  [[nodiscard]] std::string to_text() const;
  static Result<Token> parse(std::string_view text);
};

/// A new token and its text, which is to be shown once. 256 random bits need no slow hash.
struct NewToken {
  Token token;
  std::string text;
};
NewToken make_token(std::string name, Role role);

/// What tokens there are, and what they allow. Belongs to the control shard.
class TokenBook {
 public:
  /// Under this prefix a store's meta area keeps tokens, by name.
  static constexpr std::string_view kMetaPrefix = "token/";

  /// Replaces what it knows.
  void set(std::vector<Token> tokens);
  /// Who shows this text; nothing when it is no token.
  [[nodiscard]] std::optional<Principal> find(std::string_view text) const;
  [[nodiscard]] bool empty() const { return by_digest_.empty(); }

 private:
  // Looked up by digest: how long that takes tells nothing about the tokens.
  std::map<std::string, Token, std::less<>> by_digest_;
};

}  // namespace sluice::control::iam
