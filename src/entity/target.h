// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "entity/upstream.h"
#include "schema/entity.h"

namespace sluice::entity {

/// One address behind an upstream.
struct Target {
  static constexpr std::string_view kName = "targets";

  schema::Id<Target> id;
  double created_at = 0;  // seconds with a fraction: the newest of equal targets counts
  double updated_at = 0;
  schema::Ref<Upstream> upstream;
  std::string target;  // "host:port", IPv6 in brackets
  int weight = 100;
  bool failover = false;
  std::vector<std::string> tags;

  static void describe(schema::Entity<Target>& e);
};

}  // namespace sluice::entity
