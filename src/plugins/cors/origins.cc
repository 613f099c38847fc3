// SPDX-License-Identifier: Apache-2.0
#include "plugins/cors/origins.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace sluice::plugins {
namespace {

constexpr std::string_view kPlainCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/-";

bool is_plain(std::string_view entry) {
  return !entry.empty() && entry.find_first_not_of(kPlainCharacters) == entry.npos;
}

/// The whole text must match: `good\.test` must not admit `good.test.evil.test`.
Result<expr::RegexRef> compile_whole(std::string_view pattern) {
  return expr::Regex::compile("^(?:" + std::string(pattern) + ")$", expr::RegexDialect::Pcre);
}

bool has_only_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_ascii_digit);
}

}  // namespace

Origin Origin::parse(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == text.npos || scheme_end == 0) return {std::string(text), ""};
  const std::string scheme = to_lower(text.substr(0, scheme_end));
  std::string host = to_lower(text.substr(scheme_end + 3));
  std::string port;
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && has_only_digits(std::string_view(host).substr(colon + 1))) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if ((scheme == "http" && port == "80") || (scheme == "https" && port == "443")) port.clear();
  if (host.empty() || host.find_first_of("/?#@") != host.npos) return {std::string(text), ""};
  std::string normal = scheme + "://" + host;
  if (!port.empty()) normal.append(":").append(port);
  return {std::move(normal), std::move(host)};
}

Origins::Origins(const std::vector<std::string>& entries)
    : any_(entries.empty() || std::ranges::find(entries, "*") != entries.end()),
      listed_(entries.size() > 1 || (entries.size() == 1 && entries.front() != "*")) {
  if (any_) return;
  if (entries.size() == 1 && is_plain(entries.front())) {
    only_ = entries.front();
    return;
  }
  for (const std::string& entry : entries) {
    if (is_plain(entry)) {
      entries_.push_back({Origin::parse(entry).text, nullptr, false});
    } else if (auto regex = compile_whole(entry)) {
      entries_.push_back({"", *std::move(regex), entry.find(':') == entry.npos});
    }
  }
}

bool Origins::matches(const Entry& entry, const Origin& origin) {
  if (entry.regex == nullptr) return !origin.host.empty() && entry.plain == origin.text;  // "b.com" is no origin
  const std::string& subject = entry.host_only ? origin.host : origin.text;
  return !subject.empty() && entry.regex->search(subject, expr::Anchor::Start) == expr::Matched::Yes;
}

std::optional<std::string> Origins::match(std::string_view origin) const {
  Origin parsed = Origin::parse(origin);
  const bool admitted = std::ranges::any_of(entries_, [&](const Entry& entry) { return matches(entry, parsed); });
  if (!admitted) return std::nullopt;
  return std::move(parsed.text);
}

std::optional<std::string> Origins::check(std::string_view entry) {
  if (entry == "*" || compile_whole(entry)) return std::nullopt;
  return "'" + std::string(entry) + "' is not a valid regex";
}

}  // namespace sluice::plugins
