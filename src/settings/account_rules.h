// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// What accounts have to look like. Here, and not where accounts are kept, since settings can ask for one too.
namespace sluice::settings {

inline constexpr std::size_t kShortestPassword = 12;
inline constexpr std::size_t kLongestPassword = 256;  // octets: whoever guesses decides how much work one guess is

/// What is wrong with a password that somebody wants to have; empty: nothing. Length counts, not which characters;
/// `email` may not be it.
[[nodiscard]] std::string password_problem(std::string_view password, std::string_view email);

/// What is wrong with an address that has to fit in one line; empty: nothing.
[[nodiscard]] std::string email_problem(std::string_view email);

}  // namespace sluice::settings
