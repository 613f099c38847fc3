// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "control/planes/control_plane.h"
#include "control/planes/merged_rows.h"
#include "rt/scope.h"

namespace sluice::control::planes {

/// Keeps a control plane group like its members: hears of their changes and hands them on to the group's publisher,
/// which has its own observers. Belongs to the control shard.
///
/// The group's version says how far each member has come, so that every replica, and each start, gives the same one to
/// the same state: numbers and epochs of the members are added up, on top of an epoch that grows with each change of
/// the members.
class Group {
 public:
  /// Both outlive it.
  Group(ControlPlane& plane, rt::Reactor& control);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  /// Follows these from now on, as the group's profile names them; they outlive that.
  void set_members(const std::vector<ControlPlane*>& members);
  [[nodiscard]] bool has_member(const Uuid& id) const;
  [[nodiscard]] std::size_t member_count() const { return watches_.size(); }
  [[nodiscard]] const ControlPlane& plane() const { return plane_; }
  [[nodiscard]] std::vector<Clash> clashes() const { return merged_->clashes(); }
  /// See MergedRows::claim().
  std::unique_ptr<MemberGuard::Claim> claim(const Uuid& member, const sync::Delta& delta) {
    return merged_->claim(member, delta);
  }

 private:
  class Watch;

  void heard(const Watch& watch, const sync::Delta& delta);
  [[nodiscard]] store::Version version() const;
  Task<void> publish();

  ControlPlane& plane_;
  rt::Reactor& control_;
  std::uint64_t epoch_ = 0;  // of the members that are followed
  std::list<Watch> watches_;
  std::unique_ptr<MergedRows> merged_;

  std::vector<store::LogEntry> news_;  // for the publisher
  bool all_is_new_ = false;
  bool publishing_ = false;
  rt::TaskScope scope_;  // last: its task uses everything above
};

}  // namespace sluice::control::planes
