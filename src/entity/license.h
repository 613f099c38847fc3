// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/entity.h"

namespace sluice::entity {

/// A licence text that clients expect to be kept. Nothing here depends on one.
struct License {
  static constexpr std::string_view kName = "licenses";

  schema::Id<License> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string payload;

  static void describe(schema::Entity<License>& e) {
    e.doc("A licence text that clients expect to be kept. Nothing here depends on one.");
    e.shared_by_workspaces();
    e.identity<&License::id>();
    e.created_at<&License::created_at>();
    e.updated_at<&License::updated_at>();
    e.field<&License::payload>("payload", "The text.").required().unique();
  }
};

}  // namespace sluice::entity
