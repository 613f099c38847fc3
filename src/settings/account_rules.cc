// SPDX-License-Identifier: Apache-2.0
#include "settings/account_rules.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "base/utf8.h"

namespace sluice::settings {

std::string password_problem(std::string_view password, std::string_view email) {
  constexpr std::size_t kFewestDistinct = 5;
  if (password.size() < kShortestPassword) return "must have at least 12 characters";
  if (password.size() > kLongestPassword) return "must have at most 256 octets";
  if (!is_utf8(password) || password.contains('\0')) return "must be valid text";
  if (std::set<char>(password.begin(), password.end()).size() < kFewestDistinct) {
    return "must have at least 5 different characters";
  }
  if (!email.empty() && iequals(password, email)) return "must not be the e-mail address";
  return {};
}

std::string email_problem(std::string_view email) {
  constexpr std::size_t kLongest = 250;
  if (email.empty()) return "is a required field";
  if (email.size() > kLongest) return "must have at most 250 characters";
  const std::size_t at = email.find('@');
  const bool apart = at != email.npos && at > 0 && at + 1 < email.size() && email.find('@', at + 1) == email.npos;
  const bool plain = std::ranges::none_of(email, [](char c) {
    constexpr std::string_view kOdd = "<>()[],;:\\\"";
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || kOdd.contains(c);
  });
  return apart && plain && is_utf8(email) ? "" : "must be an e-mail address";
}

}  // namespace sluice::settings
