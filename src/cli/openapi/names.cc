// SPDX-License-Identifier: Apache-2.0
#include "cli/openapi/names.h"

#include "base/strings.h"
#include "crypto/uuid5.h"

namespace sluice::cli::openapi {

std::string slug(std::string_view text, bool inso_compatible) {
  std::string name;
  for (const char c : trim(text)) {
    const bool plain = is_ascii_alpha(c) || is_ascii_digit(c) || c == '.' || c == '_' || c == '~';
    if (plain) {
      name += inso_compatible ? c : ascii_lower(c);
    } else {
      const char joint = inso_compatible && (c == ' ' || c == '\t') ? '_' : '-';
      if (!name.empty() && name.back() != '-' && name.back() != '_') name += joint;
    }
  }
  while (name.ends_with('-')) name.pop_back();
  return name;
}

std::string id_of(std::string_view name) {
  return crypto::uuid_v5(crypto::dns_namespace(), name).to_string();
}

Result<RoutePath> route_path(std::string_view path) {
  constexpr std::string_view kSpecial = R"(\.^$*+?()[]|)";
  if (!path.starts_with('/')) return fail(Errc::Invalid, "a path starts with a slash");
  RoutePath result{"~", false};
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '{') {
      if (kSpecial.find(path[i]) != kSpecial.npos) result.regex += '\\';
      result.regex += path[i];
      continue;
    }
    const std::size_t end = path.find('}', i);
    if (end == path.npos || end == i + 1) return fail(Errc::Invalid, "a parameter is not closed or has no name");
    std::string name;
    for (const char c : path.substr(i + 1, end - i - 1))
      name += is_ascii_alpha(c) || is_ascii_digit(c) ? ascii_lower(c) : '_';
    if (!is_ascii_alpha(name.front())) name.insert(0, 1, 'a');
    result.regex += "(?<" + name + ">[^#?/]+)";
    result.has_parameters = true;
    i = end;
  }
  result.regex += '$';
  return result;
}

}  // namespace sluice::cli::openapi
