// SPDX-License-Identifier: Apache-2.0
#include "schema/address.h"

#include <algorithm>

#include "base/ip.h"
#include "base/strings.h"

namespace sluice::schema {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_int<std::uint16_t>(text);
  return port ? std::optional(*port) : std::nullopt;
}

ParsedHost with_port(HostKind kind, std::string_view host, std::string_view port) {
  const auto number = parse_port(port);
  if (!number) return {std::nullopt, HostProblem::Port};
  return {HostText{kind, to_lower(host), number}, {}};
}

ParsedHost parse_bracketed(std::string_view text) {
  const auto close = text.find(']');
  if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return {};
  const auto host = text.substr(1, close - 1);
  const auto rest = text.substr(close + 1);
  if (rest.empty()) return {HostText{HostKind::Ipv6, to_lower(host), {}}, {}};
  if (rest.front() != ':') return {};
  return with_port(HostKind::Ipv6, host, rest.substr(1));
}

bool looks_like_ipv4(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c == '.' || (c >= '0' && c <= '9'); }) &&
         std::ranges::count(text, '.') == 3;
}

}  // namespace

bool is_ipv4(std::string_view text) {
  return text.find(':') == text.npos && IpAddress::parse(text).has_value();
}

bool is_ipv6(std::string_view text) {
  return text.find(':') != text.npos && IpAddress::parse(text).has_value();
}

bool is_ip(std::string_view text) {
  return IpAddress::parse(text).has_value();
}

bool is_cidr(std::string_view text) {
  return text.find('/') != text.npos && Cidr::parse(text).has_value();
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t kMaxName = 253;
  constexpr std::size_t kMaxLabel = 63;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxName) return false;
  std::size_t label = 0;
  for (char c : text) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const char small = ascii_lower(c);
    const bool allowed = (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!allowed || ++label > kMaxLabel) return false;
  }
  return label != 0;
}

ParsedHost parse_host(std::string_view text) {
  if (text.starts_with('[')) return parse_bracketed(text);
  if (is_ipv6(text)) return {HostText{HostKind::Ipv6, to_lower(text), {}}, {}};
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  HostKind kind = HostKind::Name;
  if (looks_like_ipv4(name)) {
    if (!is_ipv4(name)) return {};
    kind = HostKind::Ipv4;
  } else if (!is_host_name(name)) {
    return {};
  }
  if (colon == std::string_view::npos) return {HostText{kind, to_lower(name), {}}, {}};
  return with_port(kind, name, text.substr(colon + 1));
}

}  // namespace sluice::schema
