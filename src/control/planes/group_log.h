// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"
#include "control/planes/control_plane.h"
#include "control/publish/ledger.h"
#include "store/async_store.h"

namespace sluice::control::planes {

/// How far each member of a group has come.
struct GroupReach {
  store::Version list;  // which members: the epoch of the book that says it, and PlaneProfile::members_epoch
  std::map<Uuid, store::Version> members;

  friend bool operator==(const GroupReach&, const GroupReach&) = default;
  /// Whether it has all that `other` has: then no member steps back on the way from that to this.
  [[nodiscard]] bool covers(const GroupReach& other) const;
};

/// What a version of a group stands for.
struct GroupState {
  GroupReach reach;
  /// Some member's row is hidden by another member's: when it shows again, that member's log says nothing of it.
  bool has_clashes = false;

  /// The form in which stores keep it: a JSON object.
  [[nodiscard]] std::string to_text() const;
  static Result<GroupState> parse(std::string_view text);
};

/// The versions of a group, one after the other, and how far its members had come with each. The rows themselves are
/// in the members' logs. Replicas share it, and whoever wants to add a version must have seen the newest one: so a
/// later version never lacks what an earlier one has. Belongs to the control shard.
class GroupLog final : public publish::History {
 public:
  /// How many versions back read_touched() tells of. The store forgets older ones.
  static constexpr std::size_t kMostStates = 4'096;
  /// What an epoch of a group is ahead of the one of its log in the store. Before there were such logs it was the sum
  /// of the members' epochs and one for each change of the list: so versions go on from there, also while replicas of
  /// both kinds run, and when a backup brings back an older list.
  static constexpr std::uint64_t kEpochBase = 1'000'000;
  /// Of the rows in the store, of which there is one; passing, see the store's README.
  static constexpr std::string_view kRowType = "__group_state";
  /// An open member, whose log is to be read; nothing when it is not open.
  using FindMember = std::function<PlaneLease(const Uuid& member)>;

  /// Under which name a group's log is kept in the store.
  static std::string store_name(const Uuid& group) { return group.to_string(); }

  /// `store` is the one of that name.
  GroupLog(const Uuid& group, std::unique_ptr<store::AsyncStore> store, FindMember find_member)
      : group_(group), store_(std::move(store)), find_member_(std::move(find_member)) {}
  GroupLog(const GroupLog&) = delete;
  GroupLog& operator=(const GroupLog&) = delete;

  /// Reads what there is, or what others have added. One call of this or of record() at a time.
  Task<Result<>> catch_up();
  /// As far as this process knows. Null: there is no version yet.
  [[nodiscard]] const GroupState* newest() const { return newest_ ? &*newest_ : nullptr; }
  /// Of the newest state.
  [[nodiscard]] store::Version version() const { return to_version(head_); }
  /// Makes a version of a state; it is on stable storage when this resumes. False: another replica was first.
  Task<Result<bool>> record(GroupReach reach, bool has_clashes);

  Task<Result<store::Version>> head() override;
  /// Errc::NotFound also across a change of the members, and where clashes were.
  Task<Result<store::LogPart>> read_touched(store::Version after, std::size_t most) override;

 private:
  struct Recorded {
    store::Version version;
    GroupState state;
  };
  using States = std::vector<Recorded>;

  static store::Version to_version(const store::Version& own) { return {own.epoch + kEpochBase, own.number}; }
  Task<Result<>> read_all();
  Task<Result<States>> states_since(store::Version version);
  Task<Result<>> add_touched(Uuid member, const States& states, std::size_t most, store::LogPart& part);

  const Uuid group_;
  const std::unique_ptr<store::AsyncStore> store_;
  const FindMember find_member_;
  store::Version head_;  // as the store counts; epoch 0: nothing has been read
  std::optional<GroupState> newest_;
};

}  // namespace sluice::control::planes
