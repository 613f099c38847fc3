// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "entity/catalog.h"
#include "entity/workspace.h"
#include "sync/delta.h"

// Rows for tests.
namespace sluice::sync::wire {

inline const Uuid kDefault = Uuid::parse(entity::Workspace::kDefaultId).value();

inline Uuid id_of(std::uint64_t n) {
  Uuid id;
  for (std::size_t i = 0; i < sizeof n; ++i) id.octets[15 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id.with_version(4);
}

inline Json json_of(std::string_view text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json.has_value()) << text << (json ? "" : json.error().what);
  return json ? *std::move(json) : Json();
}

inline EntityRow row_of(std::string type, std::uint64_t n, std::string document) {
  return {std::move(type), id_of(n), std::make_shared<const std::string>(std::move(document))};
}

/// The canonical document of what `members` say; a failure when it is refused.
inline EntityRow canonical_row(const entity::Catalog& catalog, std::string_view type, std::uint64_t n,
                               std::string_view members) {
  Json input = json_of(members);
  input.as_object().set("id", id_of(n).to_string());
  auto document = catalog.find(type)->process(std::move(input), {.now = 1'700'000'000});
  EXPECT_TRUE(document.has_value()) << type << ": " << (document ? "" : document.error().text());
  return row_of(std::string(type), n, to_json(document ? *document : Json::object()));
}

/// One row of each type that there is, with the defaults of all its fields and nothing else: valid in form, not in
/// what it refers to.
inline std::vector<EntityRow> sample_rows(const entity::Catalog& catalog) {
  std::vector<EntityRow> rows;
  for (const auto& type : catalog.types()) {
    rows.push_back(row_of(type->name(), rows.size() + 1, to_json(type->defaults())));
  }
  return rows;
}

}  // namespace sluice::sync::wire
