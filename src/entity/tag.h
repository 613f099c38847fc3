// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "schema/record.h"
#include "schema/rule.h"

namespace sluice::entity {

/// One tag of one entity, as `/tags` lists it. No entity itself: it is read from the entities' own fields.
struct Tag {
  static constexpr std::string_view kName = "tags";

  std::string tag;
  std::string entity_name;  // "services"
  std::string entity_id;    // UUID

  static void describe(schema::Record<Tag>& r) {
    r.doc("One tag of one entity.");
    r.field<&Tag::tag>("tag", "The tag.").required().rule(schema::tag());
    r.field<&Tag::entity_name>("entity_name", "What kind of entity has it.").required();
    r.field<&Tag::entity_id>("entity_id", "Which one.").required().rule(schema::uuid());
  }
};

}  // namespace sluice::entity
