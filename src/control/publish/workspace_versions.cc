// SPDX-License-Identifier: Apache-2.0
#include "control/publish/workspace_versions.h"

#include <algorithm>

namespace sluice::control::publish {

void WorkspaceVersions::reset(const std::vector<store::Touched>& touched, const store::Version& version) {
  own_.clear();
  at_least_ = touched.empty() ? version : store::Version{};
  for (const store::Touched& one : touched) note(one.type, one.workspace, one.version);
}

void WorkspaceVersions::note(std::string_view type, const Uuid& workspace, const store::Version& version) {
  const schema::EntityBase* known = catalog_.find(type);
  if (known == nullptr || !known->workspaceable()) return note_all(version);
  store::Version& last = own_[workspace];
  last = std::max(last, version);
}

void WorkspaceVersions::note_all(const store::Version& version) {
  at_least_ = std::max(at_least_, version);
}

store::Version WorkspaceVersions::of(const Uuid& workspace) const {
  const auto last = own_.find(workspace);
  return last != own_.end() ? std::max(last->second, at_least_) : at_least_;
}

}  // namespace sluice::control::publish
