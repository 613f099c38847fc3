// SPDX-License-Identifier: Apache-2.0
#include "control/iam/token_book.h"

#include <utility>

#include "base/json.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace sluice::control::iam {
namespace {

constexpr std::string_view kShownPrefix = "slt_";  // so that scanners of repositories can recognise ours

const std::string* text_of(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? &value->as_string() : nullptr;
}

}  // namespace

std::string_view to_string(Role role) {
  return role == Role::Administrator ? "admin" : "read-only";
}

Result<Role> parse_role(std::string_view text) {
  if (text == "admin") return Role::Administrator;
  if (text == "read-only") return Role::Reader;
  return fail(Errc::Invalid, "role must be admin or read-only");
}

std::string Token::to_text() const {
  return to_json(
      Json::Object{{"name", name}, {"role", iam::to_string(role)}, {"sha256", digest}, {"created_at", created_at}});
}

Result<Token> Token::parse(std::string_view text) {
  TRY(const Json json, parse_json(text));
  const std::string* name = text_of(json, "name");
  const std::string* role = text_of(json, "role");
  const std::string* digest = text_of(json, "sha256");
  if (name == nullptr || role == nullptr || digest == nullptr) return fail(Errc::Invalid, "not a token");
  TRY(const Role parsed, parse_role(*role));
  const Json* made = json.find("created_at");
  return Token{*name, parsed, *digest, made != nullptr && made->is_int() ? made->as_int() : 0};
}

NewToken make_token(std::string name, Role role) {
  std::string text = std::string(kShownPrefix) + crypto::random_token();
  Token token{std::move(name), role, crypto::sha256_hex(text), unix_seconds()};
  return {std::move(token), std::move(text)};
}

void TokenBook::set(std::vector<Token> tokens) {
  by_digest_.clear();
  for (Token& token : tokens) {
    std::string digest = token.digest;
    by_digest_.insert_or_assign(std::move(digest), std::move(token));
  }
}

std::optional<Principal> TokenBook::find(std::string_view text) const {
  const auto at = by_digest_.find(crypto::sha256_hex(text));
  if (at == by_digest_.end()) return std::nullopt;
  const bool full = at->second.role == Role::Administrator;
  return Principal{full ? Kind::Administrator : Kind::Reader, at->second.name};
}

}  // namespace sluice::control::iam
