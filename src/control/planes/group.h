// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/planes/control_plane.h"
#include "control/planes/group_log.h"
#include "control/planes/merged_rows.h"
#include "rt/scope.h"
#include "rt/waiter.h"

namespace sluice::control::planes {

/// Keeps a control plane group like its members: hears of their changes and hands them on to the group's publisher,
/// which has its own observers. Belongs to the control shard.
///
/// What the members have becomes a version of the group when it stands in the GroupLog, which replicas share. One that
/// lacks something that the newest version has makes none, and shows none, until it has caught up: so data planes may
/// go from one replica to another and never see a member step back.
class Group {
 public:
  /// What it asks for.
  struct Hooks {
    std::function<void()> opened;                      // called once: the group has its first version
    std::function<void(const Uuid& member)> catch_up;  // another replica has more of it: it is to be read now
  };
  /// All outlive it.
  Group(ControlPlane& plane, rt::Reactor& control, GroupLog& log, Hooks hooks);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  /// Follows these from now on, as the group's profile names them; they outlive that. `list`: see GroupReach.
  void set_members(const store::Version& list, const std::vector<ControlPlane*>& members);
  /// One of them is going. What it has stays shown, and nothing newer is, until set_members() names the others.
  void let_go(const Uuid& member);
  [[nodiscard]] bool has_member(const Uuid& id) const;
  /// Whether set_members() with these would change nothing.
  [[nodiscard]] bool follows(const store::Version& list, const std::vector<ControlPlane*>& members) const;
  [[nodiscard]] std::vector<Clash> clashes() const { return merged_->clashes(); }
  /// See MergedRows::claim().
  std::unique_ptr<MemberGuard::Claim> claim(const Uuid& member, const sync::Delta& delta) {
    return merged_->claim(member, delta);
  }

 private:
  class Watch;

  void heard(const Watch& watch, const sync::Delta& delta);
  void publish_soon();
  [[nodiscard]] GroupReach reach() const;
  Task<void> publish();
  Task<bool> publish_now();
  Task<bool> has_all();
  void wait_for(const GroupReach& newest);
  [[nodiscard]] std::string missing_from(const GroupReach& newest) const;
  void not_kept(const Error& error) const;
  Task<std::optional<store::Version>> settle(const GroupReach& wanted, bool has_clashes);

  ControlPlane& plane_;
  rt::Reactor& control_;
  GroupLog& log_;
  Hooks hooks_;  // `opened` is empty once it was called
  store::Version list_;
  std::list<Watch> watches_;
  std::unique_ptr<MergedRows> merged_;

  GroupReach told_;                    // that the publisher has
  std::vector<store::LogEntry> news_;  // for the publisher
  bool all_is_new_ = false;
  bool complete_ = false;                       // the members are followed that the profile names
  std::uint64_t heard_ = 0;                     // how often there was news
  std::optional<std::int64_t> waits_since_ms_;  // for what another replica has
  bool told_of_wait_ = false;
  bool publishing_ = false;
  rt::Waiter more_news_;
  rt::TaskScope scope_;  // last: its task uses everything above
};

}  // namespace sluice::control::planes
