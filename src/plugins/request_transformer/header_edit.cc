// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/header_edit.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "http/field_name.h"

namespace sluice::plugins {

std::string_view safe_header_value(Arena& arena, std::string_view value) {
  value = trim(value, " \t");
  if (http::is_field_value(value)) return value;
  std::string safe;
  for (char c : value) {
    auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) {
      safe += fmt::format("%{:02X}", octet);
    } else {
      safe += c;
    }
  }
  return arena.copy(safe);
}

void rename_header(http::Headers& headers, std::string_view name, std::string_view new_name) {
  std::vector<std::string_view> values;
  for (const http::Field& field : headers) {
    if (iequals(field.name, name)) values.push_back(field.value);
  }
  if (values.empty()) return;
  headers.remove(name);
  headers.remove(new_name);
  for (std::string_view value : values) headers.add(new_name, value);
}

Result<> edit_headers(http::Headers& headers, const RenderedOperationsView& operations) {
  Arena& arena = headers.arena();
  for (std::string_view name : operations.remove) headers.remove(name);
  for (const auto& [name, new_name] : operations.rename) {
    if (!http::is_token(new_name)) return fail(Errc::Invalid, fmt::format("'{}' is not a valid header", new_name));
    rename_header(headers, name, new_name);
  }
  for (const auto& [name, value] : operations.replace) {
    if (headers.has(name)) headers.set(name, safe_header_value(arena, value));
  }
  for (const auto& [name, value] : operations.add) {
    if (!headers.has(name)) headers.add(name, safe_header_value(arena, value));
  }
  for (const auto& [name, value] : operations.append) headers.add(name, safe_header_value(arena, value));
  return {};
}

}  // namespace sluice::plugins
