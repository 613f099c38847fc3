// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "schema/entity.h"

namespace sluice::entity {

/// Settings that plugins share: where a Redis is, which model makes embeddings. A plugin that is linked to one takes
/// its values in the place of its own. reference/gateway.md, 1.4.
struct Partial {
  static constexpr std::string_view kName = "partials";

  schema::Id<Partial> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  std::string type;
  Json config;
  std::vector<std::string> tags;

  static void describe(schema::Entity<Partial>& e);
};

/// What `config` of a partial of that type looks like; null for a type that is unknown or free-form.
[[nodiscard]] const schema::RecordBase* partial_config(std::string_view type);
/// Whether partials have that type.
[[nodiscard]] bool is_partial_type(std::string_view type);

/// By type of partial, the places in a plugin's configuration that one may fill: {"redis-ce": ["config.redis"]}.
using PartialPlaces = std::map<std::string, std::vector<std::string>, std::less<>>;
[[nodiscard]] PartialPlaces partial_places(const schema::RecordBase& plugin_config);

}  // namespace sluice::entity
