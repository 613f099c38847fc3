// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "control/planes/control_plane.h"
#include "control/planes/merged_rows.h"
#include "rt/scope.h"

namespace sluice::control::planes {

/// Of a number, the bits that only tell apart what replicas may hold that have come equally far, each ahead in another
/// member.
inline constexpr unsigned kGroupDigestBits = 16;

/// The version of a group whose members, always in this order, have come so far. Numbers and epochs are added up, so
/// that each step of a member makes a later one, the epoch on top of one that grows with each change of the members;
/// equal sums of other steps differ in the last bits.
store::Version version_of_group(std::uint64_t epoch, std::span<const store::Version> members);

/// Keeps a control plane group like its members: hears of their changes and hands them on to the group's publisher,
/// which has its own observers. Belongs to the control shard.
///
/// The group's version says how far each member has come, so that every replica, and each start, gives the same one to
/// the same state; see version_of_group().
class Group {
 public:
  /// Both outlive it.
  Group(ControlPlane& plane, rt::Reactor& control);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  /// Follows these from now on, as the group's profile names them; they outlive that. When the first call returns, the
  /// group's store has what they have.
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
  enum class Pause : std::uint8_t { No, Yes };

  void heard(const Watch& watch, const sync::Delta& delta);
  [[nodiscard]] store::Version version() const;
  Task<void> publish(Pause pause);

  ControlPlane& plane_;
  rt::Reactor& control_;
  std::uint64_t epoch_ = 0;  // of the members that are followed
  std::list<Watch> watches_;
  std::unique_ptr<MergedRows> merged_;

  std::vector<store::LogEntry> news_;  // for the publisher
  bool all_is_new_ = false;
  bool opened_ = false;  // members have been set
  bool publishing_ = false;
  rt::TaskScope scope_;  // last: its task uses everything above
};

}  // namespace sluice::control::planes
