// SPDX-License-Identifier: Apache-2.0
#include "entity/route_path.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace sluice::entity {
namespace {

bool is_unreserved(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

bool in_path(char c) {
  constexpr std::string_view kOthers = "/%:@!$&'()*+,;=";
  return is_unreserved(c) || kOthers.find(c) != std::string_view::npos;
}

std::string decode_needless(std::string_view path) {
  std::string result;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool escape =
        path[i] == '%' && i + 2 < path.size() && hex_value(path[i + 1]) >= 0 && hex_value(path[i + 2]) >= 0;
    if (!escape) {
      result += path[i];
      continue;
    }
    const char decoded = static_cast<char>(hex_value(path[i + 1]) * 16 + hex_value(path[i + 2]));
    if (is_unreserved(decoded)) {
      result += decoded;
    } else {
      result += {'%', ascii_upper(path[i + 1]), ascii_upper(path[i + 2])};
    }
    i += 2;
  }
  return result;
}

std::optional<std::string_view> bad_escape(std::string_view text) {
  for (auto at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return text.substr(at, 3);
  }
  return std::nullopt;
}

}  // namespace

std::string normalized_path(std::string_view path) {
  const std::string decoded = decode_needless(path);
  std::string result;
  std::string_view rest = decoded;
  while (!rest.empty()) {
    const auto end = rest.find('/', 1);
    const std::string_view segment = rest.substr(0, end);  // with its leading slash
    rest = end == rest.npos ? std::string_view() : rest.substr(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") result.erase(std::min(result.rfind('/'), result.size()));
      if (rest.empty()) result += '/';
    } else if (segment != "/" || rest.empty()) {
      result += segment;
    }
  }
  return result.empty() ? "/" : result;
}

bool looks_like_regex(std::string_view path) {
  static constexpr std::string_view kPlain = "/._~-%";
  return !std::ranges::all_of(
      path, [](char c) { return is_ascii_alpha(c) || is_ascii_digit(c) || kPlain.find(c) != std::string_view::npos; });
}

std::optional<std::string> check_route_path(std::string_view path) {
  if (!path.starts_with('/') && !path.starts_with("~/"))
    return "should start with: / (fixed path) or ~/ (regexed path)";
  if (path.find("//") != path.npos) return "must not have empty segments";
  if (path.starts_with('~')) return std::nullopt;
  if (!std::ranges::all_of(path, in_path)) {
    return fmt::format("invalid path: '{}' (characters outside of the reserved list of RFC 3986 found)", path);
  }
  if (const auto escape = bad_escape(path)) return fmt::format("invalid url-encoded value: '{}'", *escape);
  // Most paths are plain: they are looked at once, without building the normal form.
  const bool plain = path.find('%') == path.npos && path.find("/.") == path.npos;
  if (plain) return std::nullopt;
  const std::string normal = normalized_path(path);
  if (normal == path) return std::nullopt;
  return fmt::format("non-normalized path, consider use '{}' instead", normal);
}

}  // namespace sluice::entity
