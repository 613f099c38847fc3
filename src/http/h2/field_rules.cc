// SPDX-License-Identifier: Apache-2.0
#include "http/h2/field_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>

#include "base/strings.h"

namespace sluice::http::h2 {
namespace {

constexpr std::size_t kKnownFields = static_cast<std::size_t>(Known::XRealIp) + 1;

consteval std::array<bool, 256> lower_token_octets() {
  std::array<bool, 256> table{};
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kLowerToken = lower_token_octets();

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

}  // namespace

bool is_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return kLowerToken[static_cast<unsigned char>(c)]; });
}

std::string_view lower_spelling(Known field) {
  static const auto kAll = [] {
    std::array<std::string, kKnownFields> all;
    for (std::size_t i = 0; i < kKnownFields; ++i) all.at(i) = to_lower(spelling(static_cast<Known>(i)));
    return all;
  }();
  return kAll[static_cast<std::size_t>(field)];
}

bool is_value(std::string_view value) {
  return is_field_value(value) && (value.empty() || (!is_blank(value.front()) && !is_blank(value.back())));
}

bool is_connection_specific(Known field) {
  switch (field) {
    case Known::Connection:
    case Known::KeepAlive:
    case Known::ProxyConnection:
    case Known::TransferEncoding:
    case Known::Upgrade:
    case Known::Http2Settings:
      return true;
    default:
      return false;
  }
}

std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > INT64_MAX) return {};
  return value;
}

}  // namespace sluice::http::h2
