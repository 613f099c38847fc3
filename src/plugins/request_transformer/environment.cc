// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/environment.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/strings.h"

namespace sluice::plugins {

namespace {

TemplateValueView one_or_list(std::vector<std::string_view> values) {
  if (values.empty()) return {};
  if (values.size() == 1) return values.front();
  return values;
}

}  // namespace

TemplateValueView ExchangeEnvironment::find(TemplateTable table, std::string_view key) {
  switch (table) {
    case TemplateTable::Headers:
      return header(key);
    case TemplateTable::QueryParams:
      return argument(key);
    case TemplateTable::UriCaptures:
      return capture(key);
    case TemplateTable::Shared:
      return {};  // only Lua code fills kong.ctx.shared
  }
  return {};
}

/// An underscore may stand for a dash, since `headers.x-a` is a subtraction in Lua.
TemplateValueView ExchangeEnvironment::header(std::string_view name) const {
  auto values_of = [&](std::string_view wanted) {
    std::vector<std::string_view> values;
    for (const http::Field& field : ex_.request.headers) {
      if (iequals(field.name, wanted)) values.push_back(field.value);
    }
    return values;
  };
  auto values = values_of(name);
  if (values.empty() && name.find('_') != name.npos) {
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    values = values_of(dashed);
  }
  return one_or_list(std::move(values));
}

TemplateValueView ExchangeEnvironment::argument(std::string_view name) {
  if (!arguments_) {
    arguments_.emplace();
    for (std::string_view piece : split(ex_.request.query, '&')) {
      if (piece.empty()) continue;
      std::size_t equals = piece.find('=');
      Argument& argument = arguments_->emplace_back(ex_.arena.copy(form_decode(piece.substr(0, equals))), std::nullopt);
      if (equals != piece.npos) argument.second = ex_.arena.copy(form_decode(piece.substr(equals + 1)));
    }
  }
  std::vector<std::string_view> values;
  for (const auto& [argument_name, value] : *arguments_) {
    if (argument_name != name) continue;
    if (!value) return true;  // "?flag"
    values.push_back(*value);
  }
  return one_or_list(std::move(values));
}

TemplateValueView ExchangeEnvironment::capture(std::string_view key) const {
  for (const auto& [name, value] : ex_.captures.named) {
    if (name == key) return value;
  }
  auto number = parse_int<std::size_t>(key);
  if (number && *number < ex_.captures.unnamed.size()) return ex_.captures.unnamed[*number];
  return {};
}

}  // namespace sluice::plugins
