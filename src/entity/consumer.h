// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/entity.h"

namespace sluice::entity {

/// Someone who uses services: credentials, groups and plugins hang on it.
struct Consumer {
  static constexpr std::string_view kName = "consumers";

  schema::Id<Consumer> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string username;
  std::string custom_id;
  std::vector<std::string> tags;

  static void describe(schema::Entity<Consumer>& e) {
    e.doc("Someone who uses services: credentials, groups and plugins hang on it.");
    e.identity<&Consumer::id, &Consumer::username>("username", "Its name here.");
    e.created_at<&Consumer::created_at>();
    e.updated_at<&Consumer::updated_at>();
    e.find_field("updated_at")->since = {schema::kong(3, 3)};
    e.field<&Consumer::custom_id>("custom_id", "Its name elsewhere.").optional().unique();
    e.tags<&Consumer::tags>();
    e.check(schema::at_least_one_of({"custom_id", "username"}));
  }
};

}  // namespace sluice::entity
