// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/feed.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "control/cluster/view.h"

namespace sluice::control::cluster {
namespace {

// No peer has it: of the view that all have for whom there is no room.
const std::string kCrowded;

sync::wire::Peer peer_like_us(const Feed::Options& options) {
  sync::wire::Peer peer;
  peer.kong_version = to_string(options.kong);
  peer.sluice_version = to_string(options.sluice);
  return peer;
}

void add_rows(const store::Space& space, const store::Table& table, std::vector<sync::EntityRow>& rows) {
  for (const auto& [id, document] : table.rows()) rows.push_back({table.type().name(), id, document, space.id()});
}

}  // namespace

bool is_distributed(std::string_view type) {
  // Sessions and grants live where they were made.
  static constexpr std::array<std::string_view, 3> kKept = {"oauth2_tokens", "oauth2_authorization_codes", "licenses"};
  return std::ranges::find(kKept, type) == kKept.end();
}

Feed::Feed(const store::MemoryStore& store, Options options) : store_(store), options_(options) {}

Feed::~Feed() = default;

void Feed::start(const store::Version& version) {
  version_ = version;
  horizon_ = version;
  touched_.clear();
  too_old_ = {};
  for (const auto& [key, view] : views_) {
    if (const auto alive = view.lock()) alive->start();
  }
  if (on_change) on_change();
}

std::shared_ptr<View> Feed::view(const sync::wire::Peer& peer) {
  const std::string key = sync::wire::Projection::key(peer);
  if (const auto known = views_.find(key); known != views_.end()) {
    if (auto alive = known->second.lock()) return alive;
  }
  if (views_.size() >= options_.max_views) {
    std::erase_if(views_, [](const auto& entry) { return entry.second.expired(); });
    if (views_.size() - views_.count(kCrowded) >= options_.max_views) return crowded_view();
  }
  sync::wire::Projection projection(store_.catalog(), peer, options_.kong, options_.sluice);
  auto made = std::make_shared<View>(*this, std::move(projection));
  made->start();
  views_[key] = made;
  return made;
}

std::shared_ptr<View> Feed::crowded_view() {
  std::weak_ptr<View>& slot = views_[kCrowded];
  if (auto alive = slot.lock()) return alive;
  sync::wire::CompatibilityIssue issue{
      .code = "TOO_MANY_KINDS",
      .severity = sync::wire::CompatibilityIssue::Severity::Error,
      .description = fmt::format("The data planes that are connected are of {} kinds, by release and plugins; this one "
                                 "would be of one more.",
                                 options_.max_views),
      .resolution = "Give data planes the same release and the same plugins, and connect this one again.",
      .affected = {}};
  sync::wire::Projection projection(store_.catalog(), peer_like_us(options_), options_.kong, options_.sluice);
  auto made = std::make_shared<View>(*this, std::move(projection), std::move(issue));
  made->start();
  slot = made;
  return made;
}

View& Feed::whole() {
  if (whole_ == nullptr) whole_ = view(peer_like_us(options_));
  return *whole_;
}

rt::BlockingPool& Feed::pool() {
  if (pool_ == nullptr) pool_ = std::make_unique<rt::BlockingPool>(1);
  return *pool_;
}

void Feed::each_row(const std::function<void(const sync::EntityRow&)>& visit) const {
  std::vector<sync::EntityRow> rows;
  for (const auto& type : store_.catalog().types()) {
    if (!is_distributed(type->name())) continue;
    for (const auto& [id, space] : store_.spaces()) {
      if (type->workspaceable() || id.is_nil()) add_rows(space, space.table(type->name()), rows);
    }
    std::ranges::for_each(rows, visit);
    rows.clear();
  }
}

/// A whole configuration is what it changes.
Step Feed::to_step(const store::MemoryStore& before, const sync::Delta& delta) {
  Step step;
  std::set<std::pair<std::string_view, Uuid>> named;
  for (const sync::EntityRow& row : delta.upserts) {
    if (!is_distributed(row.type) || before.catalog().find(row.type) == nullptr) continue;
    if (delta.complete) {
      named.emplace(row.type, row.id);
      const sync::Document* old = before.space(row.workspace).table(row.type).find(row.id);
      if (old != nullptr && (*old == row.document || **old == *row.document)) continue;
    }
    step.upserts.push_back(row);
  }
  for (const sync::EntityKey& key : delta.removals) {
    if (is_distributed(key.type)) step.removals.push_back(key);
  }
  if (!delta.complete) return step;
  for (const auto& [id, space] : before.spaces()) {
    for (const store::Table& table : space.tables()) {
      if (!is_distributed(table.type().name())) continue;
      for (const auto& [row, document] : table.rows()) {
        if (!named.contains({table.type().name(), row})) step.removals.push_back({table.type().name(), row});
      }
    }
  }
  return step;
}

void Feed::changing(const store::MemoryStore& before, const sync::Delta& delta, const store::Version& version) {
  Step step = to_step(before, delta);
  step.from = version_;
  step.to = version;
  for (auto entry = views_.begin(); entry != views_.end();) {
    const auto alive = entry->second.lock();
    if (alive != nullptr) alive->changing(before, step);
    entry = alive != nullptr ? std::next(entry) : views_.erase(entry);
  }
  // Of another epoch: what its numbers meant is no longer certain.
  if (version.epoch != version_.epoch) {
    touched_.clear();
    horizon_ = version;
    too_old_ = {};
  } else {
    for (const sync::EntityRow& row : step.upserts) note(row.type, row.id, version);
    for (const sync::EntityKey& key : step.removals) note(key.type, key.id, version);
    while (touched_.size() > options_.max_rows) forget_oldest();
  }
  version_ = version;
  if (on_change) on_change();
}

void Feed::note(const std::string& type, const Uuid& id, const store::Version& version) {
  const auto* known = store_.catalog().find(type);
  if (known != nullptr) touched_.push_back({version, known->name(), id});
}

/// A version is known whole or not at all.
void Feed::forget_oldest() {
  horizon_ = touched_.front().version;
  while (!touched_.empty() && touched_.front().version == horizon_) touched_.pop_front();
}

bool Feed::knows(const store::Version& version) const {
  return version.epoch == version_.epoch && version >= horizon_ && version <= version_;
}

bool Feed::is_ahead(const store::Version& version) const {
  return version.epoch == version_.epoch && version > version_;
}

bool Feed::may_learn(const store::Version& version) const {
  return version.epoch == version_.epoch && version < horizon_ && version > too_old_;
}

/// The newest first, until there is no more room: then the horizon is where that was.
void Feed::prepend(const store::LogPart& part, const store::Version& after) {
  if (after.epoch != horizon_.epoch || after >= horizon_) return;
  if (part.reached < horizon_) {
    too_old_ = std::max(too_old_, after);
    return;
  }
  const store::Version reach = horizon_;
  horizon_ = after;
  for (auto entry = part.entries.rbegin(); entry != part.entries.rend(); ++entry) {
    if (entry->version > reach || entry->version <= after || !is_distributed(entry->type)) continue;
    const auto* known = store_.catalog().find(entry->type);
    if (known != nullptr) touched_.push_front({entry->version, known->name(), entry->id});
  }
  while (touched_.size() > options_.max_rows) forget_oldest();
  if (after < horizon_) too_old_ = std::max(too_old_, after);
}

std::optional<Step> Feed::since(const store::Version& from) const {
  if (!knows(from)) return std::nullopt;
  Step merged{.from = from, .to = version_, .upserts = {}, .removals = {}};
  // Only what a row is in the end counts, and the store says that.
  std::set<std::pair<std::string_view, Uuid>> touched;
  for (auto at = std::ranges::upper_bound(touched_, from, {}, &Touch::version); at != touched_.end(); ++at) {
    touched.emplace(at->type, at->id);
  }
  for (const auto& [name, id] : touched) {
    const std::string type(name);
    const store::Space* space = store_.space_of(type, id);
    const sync::Document* document = space != nullptr ? space->table(type).find(id) : nullptr;
    if (document != nullptr) {
      merged.upserts.push_back({type, id, *document, space->id()});
    } else {
      merged.removals.push_back({type, id});
    }
  }
  return merged;
}

}  // namespace sluice::control::cluster
