// SPDX-License-Identifier: Apache-2.0
#include "sync/version.h"

#include <charconv>

#include <fmt/core.h>

#include "base/strings.h"

namespace sluice::sync {
namespace {

constexpr std::string_view kWirePrefix = "v02_";
constexpr std::size_t kEpochDigits = 12;
constexpr std::size_t kNumberDigits = 16;

Result<std::uint64_t> parse_hex(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return fail(Errc::Invalid, "not a version: '" + std::string(digits) + "' is no hexadecimal number", Blame::Client);
  }
  return value;
}

}  // namespace

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

std::string to_wire(const Version& version) {
  return fmt::format("{}{:012x}{:016x}", kWirePrefix, version.epoch, version.number);
}

Result<Version> parse_wire_version(std::string_view text) {
  if (!text.starts_with(kWirePrefix) || text.size() != kWirePrefix.size() + kEpochDigits + kNumberDigits) {
    return fail(Errc::Invalid, "not a version such as v02_ and 28 digits: " + std::string(text), Blame::Client);
  }
  text.remove_prefix(kWirePrefix.size());
  TRY(const auto epoch, parse_hex(text.substr(0, kEpochDigits)));
  TRY(const auto number, parse_hex(text.substr(kEpochDigits)));
  return Version{epoch, number};
}

}  // namespace sluice::sync
