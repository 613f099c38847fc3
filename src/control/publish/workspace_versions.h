// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "entity/catalog.h"
#include "store/durable.h"
#include "store/version.h"

namespace sluice::control::publish {

/// Which version changed each workspace last: what a client saw of one holds until the next of these, whatever happens
/// in others. Control planes on one store agree about it, also after a start.
class WorkspaceVersions {
 public:
  /// `catalog` outlives it. Nothing is known before `at_least`: then everything changed with it.
  WorkspaceVersions(const entity::Catalog& catalog, const store::Version& at_least)
      : catalog_(catalog), at_least_(at_least) {}

  /// From what a store says of itself; where it says nothing, everything changed with `version`.
  void reset(const std::vector<store::Touched>& touched, const store::Version& version);
  /// A row of `type` in `workspace` was changed. What all workspaces share changes every one of them.
  void note(std::string_view type, const Uuid& workspace, const store::Version& version);
  /// Everything was.
  void note_all(const store::Version& version);

  [[nodiscard]] store::Version of(const Uuid& workspace) const;

 private:
  const entity::Catalog& catalog_;
  store::Version at_least_;
  std::map<Uuid, store::Version> own_;
};

}  // namespace sluice::control::publish
