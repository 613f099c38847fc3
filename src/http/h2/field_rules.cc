// SPDX-License-Identifier: Apache-2.0
#include "http/h2/field_rules.h"

#include <algorithm>
#include <charconv>

namespace sluice::http::h2 {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

}  // namespace

bool is_name(std::string_view name) {
  return is_token(name) && std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
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
