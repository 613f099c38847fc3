// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice::plugins {

/// For the check() of log plugins: `custom_fields_by_lua` is refused as long as nothing runs Lua, since records without
/// the fields that somebody counts on would be worse than a configuration that does not load.
inline std::vector<std::pair<std::string, std::string>> refuse_lua_fields(
    const std::map<std::string, std::string>& fields) {
  if (fields.empty()) return {};
  return {{"custom_fields_by_lua", "fields computed by Lua are not supported yet"}};
}

}  // namespace sluice::plugins
