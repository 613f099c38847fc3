// SPDX-License-Identifier: Apache-2.0
#include "control/planes/group.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/raised_flag.h"

namespace sluice::control::planes {
namespace {

constexpr std::int64_t kTogetherMs = 1;  // whoever tells of a change is in the midst of it, and others may follow it
/// From one version to the next: other replicas want to catch up and have their turn, and the store is not to be
/// written for every change.
constexpr std::int64_t kPauseMs = 25;
constexpr std::int64_t kLookAgainMs = 1'000;
constexpr unsigned kMostAttempts = 16;  // how often others may come first before it is left to the next time
constexpr std::int64_t kLongWaitMs = 10'000;
constexpr std::size_t kMostNews = 4'096;  // that are kept while they cannot be shown; more: all counts as new then

}  // namespace

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

Group::Group(ControlPlane& plane, rt::Reactor& control, GroupLog& log, Hooks hooks)
    : plane_(plane),
      control_(control),
      log_(log),
      hooks_(std::move(hooks)),
      merged_(std::make_unique<MergedRows>(plane.store().catalog())),
      more_news_(control) {}

Group::~Group() = default;

void Group::set_members(const store::Version& list, const std::vector<ControlPlane*>& members) {
  list_ = list;
  watches_.clear();
  merged_ = std::make_unique<MergedRows>(plane_.store().catalog(), merged_.get());
  for (ControlPlane* member : members) {
    watches_.emplace_back(*this, *member);
    merged_->add(member->id(), member->store());
  }
  all_is_new_ = true;
  complete_ = true;
  publish_soon();
}

void Group::let_go(const Uuid& member) {
  complete_ = false;
  watches_.remove_if([&](const Watch& watch) { return watch.member().id() == member; });
}

bool Group::has_member(const Uuid& id) const {
  return std::ranges::any_of(watches_, [&](const Watch& watch) { return watch.member().id() == id; });
}

bool Group::follows(const store::Version& list, const std::vector<ControlPlane*>& members) const {
  return complete_ && list == list_ && members.size() == watches_.size() &&
         std::ranges::all_of(members, [&](const ControlPlane* member) { return has_member(member->id()); });
}

GroupReach Group::reach() const {
  GroupReach reach{.list = list_, .members = {}};
  for (const Watch& watch : watches_) reach.members.emplace(watch.member().id(), watch.version());
  return reach;
}

void Group::heard(const Watch& watch, const sync::Delta& delta) {
  auto entries = merged_->take(watch.member().id(), delta);
  std::ranges::move(entries, std::back_inserter(news_));
  publish_soon();
}

void Group::publish_soon() {
  ++heard_;
  more_news_.wake_soon();
  if (!publishing_) scope_.spawn(publish());
}

Task<void> Group::publish() {
  const RaisedFlag busy(publishing_);
  co_await rt::Sleep(control_, control_.after_ms(kTogetherMs));
  while (complete_ && (all_is_new_ || told_ != reach())) {
    const std::uint64_t heard_before = heard_;
    if (co_await publish_now()) {
      co_await rt::Sleep(control_, control_.after_ms(kPauseMs));
      continue;
    }
    all_is_new_ = all_is_new_ || news_.size() > kMostNews;
    if (all_is_new_) news_.clear();
    if (heard_ == heard_before) co_await more_news_.wait(control_.after_ms(kLookAgainMs));
  }
}

/// False: not yet. Then what was heard stays for the next time.
Task<bool> Group::publish_now() {
  const bool may_go_on = co_await has_all();
  if (!may_go_on || !complete_) co_return false;
  GroupReach wanted = reach();
  const bool has_clashes = !merged_->clashes().empty();
  const bool all = std::exchange(all_is_new_, false);
  auto rows = all ? merged_->rows() : std::vector<sync::EntityRow>{};
  auto entries = std::exchange(news_, {});
  const auto version = co_await settle(wanted, has_clashes);
  if (!version) {
    all_is_new_ = all_is_new_ || all;
    news_.insert(news_.begin(), std::move_iterator(entries.begin()), std::move_iterator(entries.end()));
    co_return false;
  }
  told_ = std::move(wanted);
  if (all) {
    co_await plane_.publisher().follow(store::Contents{.version = *version, .rows = std::move(rows)});
  } else {
    for (store::LogEntry& entry : entries) entry.version = *version;
    co_await plane_.publisher().follow(store::LogPart{std::move(entries), *version});
  }
  if (const auto opened = std::exchange(hooks_.opened, {})) opened();
  co_return true;
}

// Agreeing with other replicas ----------------------------------------------------------------------------------------

/// Whether nothing is lacking that the newest version has. What is remembered of that one may be outdated: a backup
/// that was restored puts an older one in its place.
Task<bool> Group::has_all() {
  const auto lacks = [this] { return log_.newest() != nullptr && !reach().covers(log_.newest()->reach); };
  if (lacks()) {
    const auto caught_up = co_await log_.catch_up();
    if (!caught_up) {
      not_kept(caught_up.error());
      co_return false;
    }
  }
  if (lacks()) {
    wait_for(log_.newest()->reach);
    co_return false;
  }
  if (std::exchange(told_of_wait_, false)) {
    log::info("planes.group_goes_on", {{"control_plane", plane_.profile().name}});
  }
  waits_since_ms_.reset();
  co_return true;
}

void Group::wait_for(const GroupReach& newest) {
  const std::int64_t now = control_.clock().mono_ms();
  if (!waits_since_ms_) waits_since_ms_ = now;
  const bool is_long = now - *waits_since_ms_ > kLongWaitMs && !std::exchange(told_of_wait_, true);
  log::write(is_long ? log::Level::Warn : log::Level::Debug, "planes.group_waits",
             {{"control_plane", plane_.profile().name},
              {"version", to_string(log_.version())},
              {"lacks", missing_from(newest)}});
  // Its news come in any case; but while others write, they would always be behind the next version.
  for (const Watch& watch : watches_) {
    const Uuid& id = watch.member().id();
    const auto theirs = newest.members.find(id);
    if (theirs != newest.members.end() && watch.version() < theirs->second) hooks_.catch_up(id);
  }
}

std::string Group::missing_from(const GroupReach& newest) const {
  if (list_ < newest.list) return "the list of members that others have";
  for (const auto& [id, version] : newest.members) {
    const auto at = std::ranges::find(watches_, id, [](const Watch& watch) { return watch.member().id(); });
    if (at == watches_.end()) {
      if (list_ == newest.list) return "member " + id.to_string();
    } else if (at->version() < version) {
      return "version " + to_string(version) + " of " + at->member().profile().name + ", which is at " +
             to_string(at->version());
    }
  }
  return {};
}

void Group::not_kept(const Error& error) const {
  static log::Counted failures(log::Level::Warn, "planes.group_not_kept");
  failures.hit({{"control_plane", plane_.profile().name}, {"error", error}});
}

/// The version of what the members have here. Nothing: another replica has more, or the store cannot be asked.
Task<std::optional<store::Version>> Group::settle(const GroupReach& wanted, bool has_clashes) {
  for (unsigned attempt = 0; attempt < kMostAttempts; ++attempt) {
    const GroupState* newest = log_.newest();
    if (newest != nullptr && newest->reach == wanted) co_return log_.version();
    if (newest != nullptr && !wanted.covers(newest->reach)) {
      wait_for(newest->reach);
      co_return std::nullopt;
    }
    const auto recorded = co_await log_.record(wanted, has_clashes);
    if (recorded && *recorded) co_return log_.version();
    Result<> goes_on;
    if (recorded) {
      goes_on = co_await log_.catch_up();
    } else {
      goes_on = std::unexpected(recorded.error());
    }
    if (!goes_on) {
      not_kept(goes_on.error());
      co_return std::nullopt;
    }
  }
  co_return std::nullopt;
}

}  // namespace sluice::control::planes
