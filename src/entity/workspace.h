// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/entity.h"

namespace sluice::entity {

/// A part of the configuration with names of its own. What belongs to the default one carries no workspace.
struct Workspace {
  static constexpr std::string_view kName = "workspaces";
  static constexpr std::string_view kDefaultName = "default";
  /// Under which the default workspace is shown; the one that clients know from nodes without a database.
  static constexpr std::string_view kDefaultId = "0dc6f45b-8f8d-40d2-a504-473544ee190b";

  schema::Id<Workspace> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  std::string comment;
  Json config;
  Json meta;

  static void describe(schema::Entity<Workspace>& e);
};

}  // namespace sluice::entity
