// SPDX-License-Identifier: Apache-2.0
#include "http/field_name.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluice::http {
namespace {

constexpr std::array<std::string_view, 37> kSpelling = {
    "",
    "Accept",
    "Authorization",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Date",
    "Expect",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Kong-Debug",
    "Origin",
    "Proxy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Server",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Path",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Kong-Proxy-Latency",
    "X-Kong-Request-Id",
    "X-Kong-Response-Latency",
    "X-Kong-Upstream-Latency",
    "X-Kong-Upstream-Status",
    "X-Real-IP",
};

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr std::size_t kLongest = 24;

/// The same names in lower case, each at its own place.
struct LowerSpelling {
  std::array<std::array<char, kLongest>, kSpelling.size()> text{};
  [[nodiscard]] constexpr std::string_view operator[](std::size_t index) const {
    return {text[index].data(), kSpelling[index].size()};
  }
};
consteval LowerSpelling lower_all() {
  LowerSpelling all;
  for (std::size_t i = 0; i < kSpelling.size(); ++i) {
    std::transform(kSpelling[i].begin(), kSpelling[i].end(), all.text[i].begin(), lower);
  }
  return all;
}
constexpr LowerSpelling kLowerSpelling = lower_all();

/// Names by length: a list of at most kPerLength candidates, so that most names are settled by their length alone.
constexpr std::size_t kPerLength = 5;
using Candidates = std::array<std::uint8_t, kPerLength>;

consteval std::array<Candidates, kLongest> group_by_length() {
  std::array<Candidates, kLongest> table{};
  for (std::size_t i = 1; i < kSpelling.size(); ++i) {
    Candidates& list = table.at(kSpelling[i].size());
    std::size_t place = 0;
    while (list.at(place) != 0) ++place;
    list.at(place) = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr auto kByLength = group_by_length();

consteval std::array<bool, 256> token_octets() {
  std::array<bool, 256> table{};
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = true;
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = token_octets();

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

Known known_field(std::string_view name) {
  if (name.size() >= kLongest) return Known::None;
  for (std::uint8_t index : kByLength[name.size()]) {
    if (index == 0) break;
    // The last letter tells most candidates of one length apart before a full comparison; nearly all names come in one
    // of two spellings.
    const std::string_view candidate = kLowerSpelling[index];
    if (candidate.back() != lower(name.back())) continue;
    if (candidate == name || kSpelling[index] == name || same_name(candidate, name)) return static_cast<Known>(index);
  }
  return Known::None;
}

bool may_be_trailer(std::string_view name) {
  if (known_field(name) != Known::None) return false;
  for (std::string_view prefix :
       {"x-consumer", "x-credential", "x-anonymous", "x-authenticated", "x-forwarded", "x-kong"}) {
    if (same_name(name.substr(0, prefix.size()), prefix)) return false;
  }
  return !same_name(name, "Set-Cookie") && !same_name(name, "Cache-Control") && !same_name(name, "Location");
}

std::string_view spelling(Known field) {
  return kSpelling[static_cast<std::size_t>(field)];
}

bool is_token(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view text) {
  bool control = false;  // not left early: so many octets are looked at in one step
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    control |= (octet < 0x20 && octet != '\t') || octet == 0x7F;
  }
  return !control;
}

}  // namespace sluice::http
