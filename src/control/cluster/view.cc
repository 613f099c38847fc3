// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/view.h"

#include <algorithm>

#include "base/time.h"
#include "entity/workspace.h"
#include "rt/offload.h"
#include "sync/wire/deltas.h"

namespace sluice::control::cluster {
namespace {

using sync::wire::CompatibilityIssue;

// What is made at once, in less than a millisecond; larger things are made by another thread.
constexpr std::size_t kAtOnceOctets = 256 * 1024;
constexpr std::int64_t kLookAgainMs = 1'000;

bool has_error(const std::vector<CompatibilityIssue>& issues) {
  return std::ranges::any_of(issues,
                             [](const auto& issue) { return issue.severity == CompatibilityIssue::Severity::Error; });
}

Frames share(std::vector<std::string> frames) {
  return std::make_shared<const std::vector<std::string>>(std::move(frames));
}

}  // namespace

View::View(Feed& feed, sync::wire::Projection projection, std::optional<CompatibilityIssue> standing_issue)
    : feed_(feed), projection_(std::move(projection)), standing_issue_(std::move(standing_issue)) {}

void View::start() {
  digest_ = {};
  issues_.clear();
  all_issues_.reset();
  errors_ = 0;
  drop_frames();
  reconfigure_ = {};
  feed_.each_row([this](const sync::EntityRow& row) { put(row); });
}

void View::drop_frames() {
  made_.clear();
  jobs_.clear();
}

/// A row that is there from now on.
void View::put(const sync::EntityRow& row) {
  std::vector<CompatibilityIssue> issues;
  if (const auto projected = projection_.row(row, &issues)) digest_.add(*projected);
  if (issues.empty()) return;
  errors_ += has_error(issues) ? 1U : 0U;
  issues_[{row.type, row.id}] = std::move(issues);
  all_issues_.reset();
}

/// A row that has been there.
void View::take(const sync::EntityRow& row) {
  if (const auto projected = projection_.row(row, nullptr)) digest_.remove(*projected);
  const auto known = issues_.find({row.type, row.id});
  if (known == issues_.end()) return;
  errors_ -= has_error(known->second) ? 1U : 0U;
  issues_.erase(known);
  all_issues_.reset();
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
  drop_frames();
}

const Issues& View::issues() const {
  if (all_issues_) return *all_issues_;
  std::vector<CompatibilityIssue> all;
  if (standing_issue_) all.push_back(*standing_issue_);
  for (const auto& [key, issues] : issues_) sync::wire::merge(all, issues);
  all_issues_ = Issues(std::move(all));
  return *all_issues_;
}

// What is sent
// -------------------------------------------------------------------------------------------------------------------

Cargo View::change(Step step) const {
  return {.projection = projection_, .step = std::move(step), .hash = hash()};
}

Cargo View::everything() const {
  Step step{.from = {}, .to = feed_.version(), .upserts = {}, .removals = {}};
  feed_.each_row([&](const sync::EntityRow& row) { step.upserts.push_back(row); });
  return change(std::move(step));
}

Task<Parcel> View::push_since(store::Version from) {
  const std::string what = "push since " + to_string(from);
  if (auto known = find(what)) return *std::move(known);
  auto step = feed_.since(from);
  if (!step) return Parcel{feed_.version(), nullptr};
  Cargo cargo = change(*std::move(step));
  const std::size_t octets = cargo.octets();
  if (octets > feed_.options().max_change) {
    made_.keep(what, nullptr);
    return Parcel{feed_.version(), nullptr};
  }
  return make(what, octets, [cargo = std::move(cargo)]() mutable { return push_of_change(std::move(cargo)); });
}

Task<Parcel> View::push_all(std::shared_ptr<const sync::Signer> signer, std::string control_plane) {
  const std::string what =
      "push of everything, signed by " + std::to_string(std::hash<std::string>()(signer->certificate_pem()));
  if (auto known = find(what)) return *std::move(known);
  Cargo cargo = everything();
  const std::size_t octets = cargo.octets();
  return make(
      what, octets,
      [cargo = std::move(cargo), signer = std::move(signer), control_plane = std::move(control_plane)]() mutable {
        return push_of_everything(std::move(cargo), *signer, control_plane);
      });
}

Task<Parcel> View::answer_since(store::Version from) {
  const std::string what = "answer since " + to_string(from);
  if (auto known = find(what)) return *std::move(known);
  auto step = feed_.since(from);
  if (!step) return Parcel{feed_.version(), nullptr};
  Cargo cargo = change(*std::move(step));
  const std::size_t octets = cargo.octets();
  return make(what, octets, [cargo = std::move(cargo)]() mutable { return answer_of(std::move(cargo), false); });
}

Task<Parcel> View::answer_all() {
  const std::string what = "answer with everything";
  if (auto known = find(what)) return *std::move(known);
  Cargo cargo = everything();
  const Uuid workspace = *Uuid::parse(entity::Workspace::kDefaultId);
  auto& rows = cargo.step.upserts;
  const bool written = std::ranges::any_of(rows, [&](const auto& row) { return row.id == workspace; });
  if (!written) rows.push_back(sync::wire::default_workspace_row(feed_.store().catalog(), workspace));
  const std::size_t octets = cargo.octets();
  return make(what, octets, [cargo = std::move(cargo)]() mutable { return answer_of(std::move(cargo), true); });
}

store::Version View::reconfigures_to(Millis interval) const {
  const bool may_be_old = reconfigure_.frames != nullptr && now_ms() - reconfigure_ms_ < interval.count();
  return may_be_old ? reconfigure_.to : feed_.version();
}

Task<Parcel> View::reconfigure(Millis interval) {
  if (reconfigure_.frames != nullptr && reconfigure_.to == reconfigures_to(interval)) return reconfigure_;
  const std::string what(kReconfigure);
  if (auto known = find(what)) return *std::move(known);
  reconfigure_ms_ = now_ms();
  Cargo cargo = everything();
  const std::size_t octets = cargo.octets();
  const double now = static_cast<double>(unix_millis()) / 1000;
  return make(what, octets,
              [cargo = std::move(cargo), &catalog = feed_.store().catalog(), digest = digest_, now]() mutable {
                return reconfigure_of(catalog, std::move(cargo), digest, now);
              });
}

// Making it
// -------------------------------------------------------------------------------------------------------------------

std::int64_t View::now_ms() const {
  const rt::Reactor* reactor = feed_.options().reactor;
  return reactor != nullptr ? reactor->clock().mono_ms() : unix_millis();
}

/// What is there already, or is being made.
std::optional<Task<Parcel>> View::find(const std::string& what) {
  if (auto frames = made_.find(what)) return Task<Parcel>(Parcel{feed_.version(), *std::move(frames)});
  const auto job = jobs_.find(what);
  if (job == jobs_.end()) return std::nullopt;
  return wait_for(*feed_.options().reactor, job->second);
}

Task<Parcel> View::make(const std::string& what, std::size_t octets, Make work) {
  if (octets <= kAtOnceOctets || feed_.options().reactor == nullptr) {
    Parcel made{feed_.version(), share(work())};
    keep(what, made);
    return made;
  }
  const auto job = std::make_shared<Job>();
  job->made.to = feed_.version();
  jobs_[what] = job;
  feed_.spawn(run(shared_from_this(), job, what, std::move(work)));
  return wait_for(*feed_.options().reactor, job);
}

/// On the feed's account: whoever asked may go meanwhile, and others wait too.
Task<void> View::run(std::shared_ptr<View> self, std::shared_ptr<Job> job, std::string what, Make work) {
  Feed& feed = self->feed_;
  auto frames = co_await rt::offload(feed.pool(), *feed.options().reactor, std::move(work));
  job->made.frames = share(std::move(frames));
  job->done = true;
  const auto current = self->jobs_.find(what);
  if (current != self->jobs_.end() && current->second == job) self->jobs_.erase(current);
  self->keep(what, job->made);
  for (rt::Waiter* waiter : job->waiting) waiter->wake_soon();
  self.reset();  // this frame may stay for a while
}

Task<Parcel> View::wait_for(rt::Reactor& reactor, std::shared_ptr<Job> job) {
  rt::Waiter waiter(reactor);
  struct Place {
    Place(std::list<rt::Waiter*>& all, rt::Waiter& own) : list(all), at(all.insert(all.end(), &own)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { list.erase(at); }
    std::list<rt::Waiter*>& list;
    const std::list<rt::Waiter*>::iterator at;
  } const place(job->waiting, waiter);
  while (!job->done) co_await waiter.wait(reactor.after_ms(kLookAgainMs));
  co_return job->made;
}

void View::keep(const std::string& what, const Parcel& made) {
  if (what == kReconfigure) reconfigure_ = made;
  if (made.to == feed_.version()) made_.keep(what, made.frames);
}

}  // namespace sluice::control::cluster
