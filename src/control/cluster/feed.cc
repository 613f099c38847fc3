// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/feed.h"

#include <algorithm>
#include <array>
#include <set>

#include "control/cluster/view.h"

namespace sluice::control::cluster {
namespace {

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
  steps_.clear();
  rows_ = 0;
  for (const auto& [key, view] : views_) {
    if (const auto alive = view.lock()) alive->start();
  }
  if (on_change) on_change();
}

std::shared_ptr<View> Feed::view(const sync::wire::Peer& peer) {
  std::weak_ptr<View>& slot = views_[sync::wire::Projection::key(peer)];
  if (auto alive = slot.lock()) return alive;
  sync::wire::Projection projection(store_.catalog(), peer, options_.kong, options_.sluice);
  auto made = std::make_shared<View>(*this, std::move(projection));
  made->start();
  slot = made;
  return made;
}

View& Feed::whole() {
  if (whole_ == nullptr) whole_ = view(peer_like_us(options_));
  return *whole_;
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
    steps_.clear();
    rows_ = 0;
  } else {
    keep(std::move(step));
  }
  version_ = version;
  if (on_change) on_change();
}

void Feed::keep(Step step) {
  rows_ += step.upserts.size() + step.removals.size();
  steps_.push_back(std::move(step));
  while (!steps_.empty() && (steps_.size() > options_.max_steps || rows_ > options_.max_rows)) {
    rows_ -= steps_.front().upserts.size() + steps_.front().removals.size();
    steps_.pop_front();
  }
}

void Feed::prepend(const store::LogPart& part, const store::Version& after) {
  const store::Version reach = horizon();
  Step step{.from = after, .to = reach, .upserts = {}, .removals = {}};
  for (const store::LogEntry& entry : part.entries) {
    if (entry.version > reach || !is_distributed(entry.type)) continue;
    if (entry.document != nullptr) {
      step.upserts.push_back({entry.type, entry.id, entry.document, entry.workspace});
    } else {
      step.removals.push_back({entry.type, entry.id});
    }
  }
  if (part.reached < reach || after >= reach) return;
  rows_ += step.upserts.size() + step.removals.size();
  steps_.push_front(std::move(step));
}

std::optional<Step> Feed::since(const store::Version& from) const {
  const auto first = std::ranges::find(steps_, from, &Step::from);
  if (first == steps_.end() && from != version_) return std::nullopt;
  Step merged{.from = from, .to = version_, .upserts = {}, .removals = {}};
  // Only what a row is in the end counts, and the store says that.
  std::set<std::pair<std::string_view, Uuid>> touched;
  for (auto step = first; step != steps_.end(); ++step) {
    for (const auto& row : step->upserts) touched.emplace(row.type, row.id);
    for (const auto& key : step->removals) touched.emplace(key.type, key.id);
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
