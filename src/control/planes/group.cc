// SPDX-License-Identifier: Apache-2.0
#include "control/planes/group.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::control::planes {

store::Version version_of_group(std::uint64_t epoch, std::span<const store::Version> members) {
  store::Version sum{epoch, 0};
  // The same on every machine, and for ever.
  constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15;
  std::uint64_t digest = 0;
  for (const store::Version& member : members) {
    sum.epoch += member.epoch;
    sum.number += member.number;
    for (const std::uint64_t part : {member.epoch, member.number}) {
      digest = (digest ^ part) * kPrime;
      digest ^= digest >> 32U;
    }
  }
  return {sum.epoch, (sum.number << kGroupDigestBits) | (digest >> (64 - kGroupDigestBits))};
}

/// Hears one member.
class Group::Watch final : public publish::ChangeObserver {
 public:
  Watch(Group& group, ControlPlane& member) : group_(group), member_(member), version_(member.publisher().version()) {
    member.changes().add(*this);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() override { member_.changes().remove(*this); }

  void changing(const store::MemoryStore&, const sync::Delta& delta, const store::Version& version) override {
    version_ = version;
    group_.heard(*this, delta);
  }
  [[nodiscard]] const ControlPlane& member() const { return member_; }
  [[nodiscard]] const store::Version& version() const { return version_; }

 private:
  Group& group_;
  ControlPlane& member_;
  store::Version version_;
};

Group::Group(ControlPlane& plane, rt::Reactor& control)
    : plane_(plane), control_(control), merged_(std::make_unique<MergedRows>(plane.store().catalog())) {}

Group::~Group() = default;

void Group::set_members(const std::vector<ControlPlane*>& members) {
  epoch_ = plane_.profile().members_epoch;
  watches_.clear();
  merged_ = std::make_unique<MergedRows>(plane_.store().catalog(), merged_.get());
  for (ControlPlane* member : members) {
    watches_.emplace_back(*this, *member);
    merged_->add(member->id(), member->store());
  }
  all_is_new_ = true;
  const bool is_first = !std::exchange(opened_, true);
  if (!std::exchange(publishing_, true)) scope_.spawn(publish(is_first ? Pause::No : Pause::Yes));
}

bool Group::has_member(const Uuid& id) const {
  return std::ranges::any_of(watches_, [&](const Watch& watch) { return watch.member().id() == id; });
}

store::Version Group::version() const {
  std::vector<store::Version> members;
  members.reserve(watches_.size());
  for (const Watch& watch : watches_) members.push_back(watch.version());
  return version_of_group(epoch_, members);
}

void Group::heard(const Watch& watch, const sync::Delta& delta) {
  auto entries = merged_->take(watch.member().id(), delta);
  const store::Version reached = version();
  for (store::LogEntry& entry : entries) entry.version = reached;
  std::ranges::move(entries, std::back_inserter(news_));
  if (!std::exchange(publishing_, true)) scope_.spawn(publish(Pause::Yes));
}

/// A turn later: whoever tells of a change is still in the middle of it, and others may follow it closely. But at
/// first at once, so that nobody ever sees the group without its rows.
Task<void> Group::publish(Pause pause) {
  if (pause == Pause::Yes) co_await rt::Sleep(control_, control_.after_ms(1));
  store::Version told;
  while (all_is_new_ || told != version()) {
    told = version();
    if (std::exchange(all_is_new_, false)) {
      news_.clear();
      co_await plane_.publisher().follow(store::Contents{.version = told, .rows = merged_->rows()});
    } else {
      co_await plane_.publisher().follow(store::LogPart{std::exchange(news_, {}), told});
    }
  }
  publishing_ = false;
}

}  // namespace sluice::control::planes
