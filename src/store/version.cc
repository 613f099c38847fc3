// SPDX-License-Identifier: Apache-2.0
#include "store/version.h"

#include "base/strings.h"

namespace sluice::store {

std::string to_string(const Version& version) {
  return std::to_string(version.epoch) + '.' + std::to_string(version.number);
}

Result<Version> parse_version(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == text.npos) return fail(Errc::Invalid, "not a version such as 1.42: " + std::string(text), Blame::Client);
  TRY(const auto epoch, parse_int<std::uint64_t>(text.substr(0, dot)));
  TRY(const auto number, parse_int<std::uint64_t>(text.substr(dot + 1)));
  return Version{epoch, number};
}

}  // namespace sluice::store
