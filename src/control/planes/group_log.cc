// SPDX-License-Identifier: Apache-2.0
#include "control/planes/group_log.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "control/iam/accounts.h"
#include "control/row_reader.h"
#include "sync/version.h"

namespace sluice::control::planes {
namespace {

constexpr std::size_t kStatesAtATime = 100;  // each names all members, and others wait for this thread and the store

Result<GroupState> read_state(const sync::Document& document) {
  if (document == nullptr) return fail(Errc::Invalid, "a group's state was deleted");
  return GroupState::parse(*document);
}

std::unexpected<Error> unknown(std::string why) {
  return fail(Errc::NotFound, std::move(why));
}

}  // namespace

// States --------------------------------------------------------------------------------------------------------------

bool GroupReach::covers(const GroupReach& other) const {
  if (list < other.list) return false;
  return std::ranges::all_of(other.members, [&](const auto& entry) {
    const auto own = members.find(entry.first);
    if (own == members.end()) return list > other.list;  // it has left
    return own->second >= entry.second;
  });
}

std::string GroupState::to_text() const {
  Json::Object versions;
  for (const auto& [id, version] : reach.members) versions.set(id.to_string(), to_string(version));
  return to_json(Json::Object{{"format", RowReader::kFormat},
                              {"list", to_string(reach.list)},
                              {"has_clashes", has_clashes},
                              {"members", std::move(versions)}});
}

Result<GroupState> GroupState::parse(std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  GroupState state;
  std::string list;
  reader.take("list", list);
  TRY(state.reach.list, sync::parse_version(list));
  reader.take("has_clashes", state.has_clashes);
  const Json* versions = reader.json().find("members");
  if (versions == nullptr || !versions->is_object()) return fail(Errc::Invalid, "a group's state names no members");
  for (const auto& [id, version] : versions->as_object()) {
    TRY(const Uuid member, Uuid::parse(id));
    if (!version.is_string()) return fail(Errc::Invalid, "a group's state names no version of " + id);
    TRY(state.reach.members[member], sync::parse_version(version.as_string()));
  }
  return state;
}

// The newest one ------------------------------------------------------------------------------------------------------

Task<Result<>> GroupLog::catch_up() {
  if (head_.epoch == 0) co_return co_await read_all();
  for (;;) {
    auto news = co_await store_->read_log(head_, kStatesAtATime);
    if (!news && news.error().code == Errc::NotFound) co_return co_await read_all();
    if (!news) co_return std::unexpected(std::move(news).error());
    if (news->reached == head_) co_return Result<>{};
    if (!news->entries.empty()) {
      CO_TRY(newest_, read_state(news->entries.back().document));
    }
    head_ = news->reached;
  }
}

Task<Result<>> GroupLog::read_all() {
  CO_TRY(const store::Contents contents, co_await store_->load());
  std::optional<GroupState> newest;
  for (const sync::EntityRow& row : contents.rows) {
    if (row.type != kRowType) continue;
    CO_TRY(newest, read_state(row.document));
  }
  newest_ = std::move(newest);
  head_ = contents.version;
  co_return Result<>{};
}

Task<Result<bool>> GroupLog::record(GroupReach reach, bool has_clashes) {
  GroupState state{.reach = std::move(reach), .has_clashes = has_clashes};
  store::Commit commit;
  commit.upserts.push_back({std::string(kRowType), group_, std::make_shared<const std::string>(state.to_text())});
  commit.author = iam::Accounts::kUse;  // nobody's: it follows from what somebody did to a member
  std::vector<store::Commit> commits;
  commits.push_back(std::move(commit));
  const auto made = co_await store_->commit(head_, std::move(commits));
  if (!made && made.error().failure == store::CommitFailure::Conflict) co_return false;
  if (!made) co_return std::unexpected(made.error().error);
  head_ = *made;
  newest_ = std::move(state);
  co_return true;
}

Task<Result<store::Version>> GroupLog::head() {
  CO_TRY(const store::Version own, co_await store_->head());
  co_return to_version(own);
}

// Older ones ----------------------------------------------------------------------------------------------------------

/// That of `version` itself, and all later ones. Other threads read each part, so this one gets to other things.
Task<Result<GroupLog::States>> GroupLog::states_since(store::Version version) {
  if (version.epoch <= kEpochBase || version.number == 0) co_return unknown("from before the log");
  store::Version own{version.epoch - kEpochBase, version.number};
  CO_TRY(const store::Version newest, co_await store_->head());
  if (newest < own || newest.number - own.number >= kMostStates) co_return unknown("too long ago, or never");
  --own.number;  // what comes after that begins with `version`
  States states;
  for (;;) {
    CO_TRY(const store::LogPart part, co_await store_->read_log(own, kStatesAtATime));
    if (part.reached == own) break;
    for (const store::LogEntry& entry : part.entries) {
      CO_TRY(GroupState state, read_state(entry.document));
      states.push_back({to_version(entry.version), std::move(state)});
    }
    own = part.reached;
  }
  if (states.empty() || states.front().version != version) co_return unknown("no version of the group");
  co_return states;
}

Task<Result<store::LogPart>> GroupLog::read_touched(store::Version after, std::size_t most) {
  CO_TRY(const States states, co_await states_since(after));
  const GroupReach& now = states.back().state.reach;
  for (const Recorded& recorded : states) {
    if (recorded.state.reach.list != now.list) co_return unknown("the group had other members");
    if (recorded.state.has_clashes) co_return unknown("members' rows clashed");
  }
  store::LogPart part{.entries = {}, .reached = states.back().version};
  for (const auto& [member, version] : now.members) CO_TRY(co_await add_touched(member, states, most, part));
  std::ranges::sort(part.entries, {}, &store::LogEntry::version);
  co_return part;
}

/// What a member changed counts from the first version on that has come so far.
Task<Result<>> GroupLog::add_touched(Uuid member, const States& states, std::size_t most, store::LogPart& part) {
  const auto reached = [&](const Recorded& recorded) {
    const auto at = recorded.state.reach.members.find(member);
    return at != recorded.state.reach.members.end() ? at->second : store::Version{};
  };
  const store::Version from = reached(states.front());
  const store::Version to = reached(states.back());
  if (from == to) co_return Result<>{};
  const PlaneLease lease = find_member_(member);
  if (!lease || lease->durable() == nullptr) co_return unknown("a member is not open");
  CO_TRY(store::LogPart own, co_await lease->durable()->read_touched(from, most));
  if (own.reached < to) co_return unknown("a member changed more than is remembered");
  for (store::LogEntry& entry : own.entries) {
    const auto first = std::ranges::lower_bound(states, entry.version, {}, reached);
    if (first == states.end()) break;  // which the group does not have yet
    entry.version = first->version;
    part.entries.push_back(std::move(entry));
  }
  co_return Result<>{};
}

}  // namespace sluice::control::planes
