// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/view.h"

#include <algorithm>

#include "base/time.h"
#include "entity/workspace.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"
#include "sync/wire/reconfigure.h"
#include "sync/wire/rpc.h"

namespace sluice::control::cluster {
namespace {

// A part of a whole configuration, before compression: small beside what either side buffers for one message.
constexpr std::size_t kPartOctets = 1 << 20;

using sync::wire::CompatibilityIssue;

bool has_error(const std::vector<CompatibilityIssue>& issues) {
  return std::ranges::any_of(issues,
                             [](const auto& issue) { return issue.severity == CompatibilityIssue::Severity::Error; });
}

Uuid default_workspace() {
  return *Uuid::parse(entity::Workspace::kDefaultId);
}

std::string to_deltas(const Step& step) {
  return sync::wire::deltas_text(step.upserts, step.removals, to_wire(step.to), default_workspace());
}

std::string push_frame(const sync::wire::Push& push, std::string_view deltas) {
  const std::string method = std::string(sync::wire::kSluiceSync) + ".push";
  return sync::wire::compress(sync::wire::call_text(method, push_params(push, deltas)));
}

/// Rows in parts of bounded size, in their order.
std::vector<std::vector<sync::EntityRow>> in_parts(std::vector<sync::EntityRow> rows) {
  std::vector<std::vector<sync::EntityRow>> parts(1);
  std::size_t octets = 0;
  for (sync::EntityRow& row : rows) {
    if (octets + row.document->size() > kPartOctets && !parts.back().empty()) {
      parts.emplace_back();
      octets = 0;
    }
    octets += row.document->size();
    parts.back().push_back(std::move(row));
  }
  return parts;
}

template <class T>
std::shared_ptr<const T> remember(std::weak_ptr<const T>& slot, T made) {
  auto shared = std::make_shared<const T>(std::move(made));
  slot = shared;
  return shared;
}

}  // namespace

View::View(const Feed& feed, sync::wire::Projection projection) : feed_(feed), projection_(std::move(projection)) {}

void View::start() {
  digest_ = {};
  issues_.clear();
  errors_ = 0;
  pushes_.clear();
  deltas_.clear();
  push_all_.reset();
  all_deltas_.reset();
  reconfigure_.reset();
  feed_.each_row([this](const sync::EntityRow& row) { put(row); });
}

/// A row that is there from now on.
void View::put(const sync::EntityRow& row) {
  std::vector<CompatibilityIssue> issues;
  if (const auto projected = projection_.row(row, &issues)) digest_.add(*projected);
  if (issues.empty()) return;
  errors_ += has_error(issues) ? 1U : 0U;
  issues_[{row.type, row.id}] = std::move(issues);
}

/// A row that has been there.
void View::take(const sync::EntityRow& row) {
  if (const auto projected = projection_.row(row, nullptr)) digest_.remove(*projected);
  const auto known = issues_.find({row.type, row.id});
  if (known == issues_.end()) return;
  errors_ -= has_error(known->second) ? 1U : 0U;
  issues_.erase(known);
}

void View::changing(const store::MemoryStore& before, const Step& step) {
  const auto take_old = [&](const std::string& type, const Uuid& id) {
    const store::Space* space = before.space_of(type, id);
    if (space != nullptr) take({type, id, *space->table(type).find(id), space->id()});
  };
  for (const sync::EntityKey& key : step.removals) take_old(key.type, key.id);
  for (const sync::EntityRow& row : step.upserts) {
    take_old(row.type, row.id);
    put(row);
  }
  pushes_.clear();
  deltas_.clear();
  push_all_.reset();
  all_deltas_.reset();
  reconfigure_.reset();
}

std::vector<CompatibilityIssue> View::issues() const {
  std::vector<CompatibilityIssue> all;
  for (const auto& [key, issues] : issues_) sync::wire::merge(all, issues);
  return all;
}

/// What such a peer must not have goes, in case it had an earlier form of it.
std::optional<Step> View::projected_since(const store::Version& from) const {
  auto step = feed_.since(from);
  if (!step || projection_.is_whole()) return step;
  std::vector<sync::EntityRow> kept;
  for (const sync::EntityRow& row : step->upserts) {
    if (auto projected = projection_.row(row, nullptr)) {
      kept.push_back(*std::move(projected));
    } else {
      step->removals.push_back({row.type, row.id});
    }
  }
  step->upserts = std::move(kept);
  return step;
}

std::vector<sync::EntityRow> View::rows() const {
  std::vector<sync::EntityRow> rows;
  feed_.each_row([&](const sync::EntityRow& row) {
    if (auto projected = projection_.row(row, nullptr)) rows.push_back(*std::move(projected));
  });
  return rows;
}

Frames View::push_since(const store::Version& from) {
  if (const auto known = pushes_.find(from); known != pushes_.end()) return known->second;
  const auto step = projected_since(from);
  if (!step) return nullptr;
  sync::wire::Push push;
  push.from = to_wire(from);
  push.to = to_wire(feed_.version());
  push.hash = hash();
  std::vector<std::string> frames;
  frames.push_back(push_frame(push, to_deltas(*step)));
  Frames made = std::make_shared<const std::vector<std::string>>(std::move(frames));
  pushes_.emplace(from, made);
  return made;
}

Frames View::push_all(const sync::Signer& signer, const std::string& control_plane) {
  if (auto known = push_all_.lock(); known && push_all_signer_ == &signer) return known;
  push_all_signer_ = &signer;
  auto parts = in_parts(rows());
  sync::wire::Push push;
  push.to = to_wire(feed_.version());
  push.full = true;
  push.parts = parts.size();
  std::vector<std::string> frames;
  for (push.part = 0; push.part < parts.size(); ++push.part) {
    if (push.part + 1 == parts.size()) {
      push.hash = hash();
      push.signature = signer.sign(sync::statement_of(control_plane, push.to, push.hash));
    }
    const Step step{.from = {}, .to = feed_.version(), .upserts = std::move(parts[push.part]), .removals = {}};
    frames.push_back(push_frame(push, to_deltas(step)));
  }
  return remember(push_all_, std::move(frames));
}

std::shared_ptr<const std::string> View::deltas_since(const store::Version& from) {
  if (const auto known = deltas_.find(from); known != deltas_.end()) return known->second;
  const auto step = projected_since(from);
  if (!step) return nullptr;
  return deltas_.emplace(from, std::make_shared<const std::string>(to_deltas(*step))).first->second;
}

std::shared_ptr<const std::string> View::all_deltas() {
  if (auto known = all_deltas_.lock()) return known;
  auto all = rows();
  const Uuid workspace = default_workspace();
  const bool written = std::ranges::any_of(all, [&](const auto& row) { return row.id == workspace; });
  if (!written) all.push_back(sync::wire::default_workspace_row(feed_.store().catalog(), workspace));
  return remember(all_deltas_,
                  to_deltas({.from = {}, .to = feed_.version(), .upserts = std::move(all), .removals = {}}));
}

std::shared_ptr<const std::string> View::reconfigure() {
  if (auto known = reconfigure_.lock()) return known;
  const sync::wire::PartHashes hashes{.config = hash(),
                                      .routes = digest_.text_of("routes"),
                                      .services = digest_.text_of("services"),
                                      .plugins = digest_.text_of("plugins"),
                                      .upstreams = digest_.text_of("upstreams"),
                                      .targets = digest_.text_of("targets")};
  const double now = static_cast<double>(unix_millis()) / 1000;
  const auto all = rows();
  return remember(reconfigure_,
                  sync::wire::reconfigure_frame(feed_.store().catalog(), all, default_workspace(), hashes, now));
}

}  // namespace sluice::control::cluster
