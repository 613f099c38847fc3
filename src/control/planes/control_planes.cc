// SPDX-License-Identifier: Apache-2.0
#include "control/planes/control_planes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/raised_flag.h"
#include "base/time.h"
#include "control/iam/accounts.h"

namespace sluice::control::planes {
namespace {

constexpr std::int64_t kRetryMs = 1000;  // after the store could not be asked
constexpr std::int64_t kReapMs = 20;
constexpr std::int64_t kOpenedMs = 2;  // how often it is looked whether a new one is open
constexpr std::int64_t kOpenedMostMs = 10'000;

/// Those of several groups, as one.
class Claims final : public MemberGuard::Claim {
 public:
  void add(std::unique_ptr<MemberGuard::Claim> claim) { claims_.push_back(std::move(claim)); }
  [[nodiscard]] std::vector<sync::ConfigProblem> problems() const override {
    std::vector<sync::ConfigProblem> all;
    for (const auto& claim : claims_) std::ranges::move(claim->problems(), std::back_inserter(all));
    return all;
  }

 private:
  std::vector<std::unique_ptr<MemberGuard::Claim>> claims_;
};

std::unexpected<Error> no_such_plane() {
  return fail(Errc::NotFound, "there is no such control plane", Blame::Client);
}

/// Says that something is being done with a control plane.
class Listed {
 public:
  /// It is in the set.
  Listed(std::set<Uuid>& set, const Uuid& id) : set_(set), id_(id) {}
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() { set_.erase(id_); }

 private:
  std::set<Uuid>& set_;
  const Uuid id_;
};

/// How a group is written that has other members than before. The epochs that these had are for releases that make a
/// group's version of its members' alone: beside this one, they never see it go back.
void renew_epoch(PlaneProfile& group, std::uint64_t epochs_before) {
  group.members_epoch += epochs_before + 1;
  group.updated_ms = unix_millis();
}

}  // namespace

ControlPlanes::ControlPlanes(const entity::Catalog& catalog, const LocalParts& local, MakeGateway make_gateway)
    : catalog_(catalog), local_(local), make_gateway_(std::move(make_gateway)) {}

ControlPlanes::~ControlPlanes() {
  scope_.cancel();
  local_.guard.set_check({});
  // Groups watch their members.
  for (auto& [id, entry] : planes_) entry.group.reset();
  for (Entry& entry : closed_) entry.group.reset();
}

Result<> ControlPlanes::open_now() {
  TRY(book_store_, local_.durable.another_now(std::string(PlaneBook::kStore)));
  book_ = std::make_unique<PlaneBook>(*book_store_);
  TRY(book_->open_now());
  auto plane = std::make_unique<ControlPlane>(book_->local(), local_);
  local_plane_ = plane.get();
  add(std::move(plane));
  book_->on_change([this] { reconcile(); });
  return {};
}

void ControlPlanes::start() {
  started_ = true;
  reconcile();
  scope_.spawn(follow());
}

void ControlPlanes::set_observer(PlanesObserver* observer) {
  observer_ = observer;
  if (observer_ == nullptr) return;
  for (ControlPlane* plane : open_planes()) observer_->opened(*plane);
}

ControlPlane* ControlPlanes::find(const Uuid& id) {
  const auto at = planes_.find(id);
  return at != planes_.end() && at->second.open ? at->second.plane.get() : nullptr;
}

bool ControlPlanes::is_open(const Uuid& id) const {
  const auto at = planes_.find(id);
  return at != planes_.end() && at->second.open;
}

std::vector<ControlPlane*> ControlPlanes::open_planes() {
  std::vector<ControlPlane*> open;
  open.reserve(planes_.size());
  for (const auto& [id, entry] : planes_) {
    if (entry.open) open.push_back(entry.plane.get());
  }
  return open;
}

bool ControlPlanes::all_open() const {
  return std::ranges::all_of(book_->planes(), [&](const auto& entry) { return is_open(entry.first); });
}

// What is open, and what should be ------------------------------------------------------------------------------------

/// After each change of the book: the rest follows from it.
void ControlPlanes::reconcile() {
  for (auto at = planes_.begin(); at != planes_.end();) {
    const auto here = at++;
    const PlaneProfile* profile = book_->find(here->first);
    if (profile == nullptr) {
      close(here);
      continue;
    }
    here->second.plane->set_profile(*profile);
    if (observer_ != nullptr && here->second.open) observer_->changed(*here->second.plane);
  }
  if (!started_) return;
  open_missing();
  open_groups();
}

void ControlPlanes::open_missing() {
  for (const auto& [id, profile] : book_->planes()) {
    if (profile.is_group() || planes_.contains(id) || !opening_.insert(id).second) continue;
    scope_.spawn(open(profile));
  }
}

/// A group opens when all of its members are open: it never shows a part of itself.
void ControlPlanes::open_groups() {
  for (const auto& [id, profile] : book_->planes()) {
    if (!profile.is_group()) continue;
    const auto members = open_members(profile);
    if (!members) continue;
    const auto at = planes_.find(id);
    if (at == planes_.end()) {
      if (opening_.insert(id).second) scope_.spawn(open_group(id));
      continue;
    }
    const store::Version list = list_of(profile);
    if (!at->second.group->follows(list, *members)) at->second.group->set_members(list, *members);
  }
}

std::optional<std::vector<ControlPlane*>> ControlPlanes::open_members(const PlaneProfile& group) {
  std::vector<ControlPlane*> members;
  for (const Uuid& id : group.members) {
    ControlPlane* member = find(id);
    if (member == nullptr) return std::nullopt;
    members.push_back(member);
  }
  return members;
}

Task<void> ControlPlanes::open(PlaneProfile profile) {
  const Uuid id = profile.id;
  const Listed opening(opening_, id);
  while (book_->find(id) != nullptr) {
    auto durable = co_await local_.durable.another(profile.store);
    Error error;
    if (durable) {
      auto plane =
          std::make_unique<ControlPlane>(profile, catalog_, *std::move(durable), make_gateway_, local_.control);
      const auto loaded = co_await plane->load();
      if (loaded) {
        if (const PlaneProfile* now = book_->find(id)) {
          plane->set_profile(*now);
          plane->start_sweeping();
          add(std::move(plane));
          open_groups();
        }
        co_return;
      }
      error = loaded.error();
    } else {
      error = durable.error();
    }
    log::warn("planes.not_opened", {{"control_plane", profile.name}, {"error", error}});
    co_await rt::Sleep(local_.control, local_.control.after_ms(kRetryMs));
  }
}

Task<void> ControlPlanes::open_group(Uuid id) {
  const Listed opening(opening_, id);
  while (book_->find(id) != nullptr) {
    auto log = co_await read_group_log(id);
    if (log) co_return add_group(id, *std::move(log));
    if (book_->find(id) == nullptr) co_return;
    log::warn("planes.not_opened", {{"control_plane", id.to_string()}, {"error", log.error()}});
    co_await rt::Sleep(local_.control, local_.control.after_ms(kRetryMs));
  }
}

Task<Result<std::unique_ptr<GroupLog>>> ControlPlanes::read_group_log(Uuid id) {
  CO_TRY(auto durable, co_await local_.durable.another(GroupLog::store_name(id)));
  CO_TRY(co_await drop_if_removed(id));
  auto log = std::make_unique<GroupLog>(id, std::move(durable), [this](const Uuid& member) { return lease(member); });
  CO_TRY(co_await log->catch_up());
  co_return log;
}

/// Whoever removed it dropped its store, too; but not one that was made for it only after that.
Task<Result<>> ControlPlanes::drop_if_removed(Uuid group) {
  CO_TRY(co_await book_->catch_up());
  const auto drop = [&]() -> Result<store::Commit> {
    store::Commit commit;
    if (book_->find(group) == nullptr) commit.dropped.push_back(GroupLog::store_name(group));
    return commit;
  };
  co_return co_await book_->change(drop, std::string(iam::Accounts::kUse));
}

void ControlPlanes::add(std::unique_ptr<ControlPlane> plane) {
  ControlPlane& added = *plane;
  planes_[added.id()].plane = std::move(plane);
  added.guard().set_check([this, id = added.id()](const sync::Delta& delta) { return claim(id, delta); });
  if (observer_ != nullptr) observer_->opened(added);
}

/// Members are guarded against each other from now on; it shows once it has a version.
void ControlPlanes::add_group(const Uuid& id, std::unique_ptr<GroupLog> log) {
  const PlaneProfile* profile = book_->find(id);
  const auto members = profile != nullptr ? open_members(*profile) : std::nullopt;
  if (!members) return;  // one of them has just gone or come: open_groups() follows
  GroupLog& versions = *log;
  Entry& entry = planes_[id];
  entry.open = false;
  entry.plane = std::make_unique<ControlPlane>(*profile, catalog_, std::move(log), make_gateway_, local_.control);
  Group::Hooks hooks{.opened = [this, id] { group_opened(id); },
                     .catch_up = [this](const Uuid& member) { catch_up_soon(member); }};
  entry.group = std::make_unique<Group>(*entry.plane, local_.control, versions, std::move(hooks));
  entry.group->set_members(list_of(*profile), *members);
}

/// On an account of its own: a group may go meanwhile, and what a publisher has begun is to be finished.
void ControlPlanes::catch_up_soon(const Uuid& id) {
  if (catching_up_.insert(id).second) scope_.spawn(catch_up(id));
}

/// Where it fails, follow() tries again, and says so.
Task<void> ControlPlanes::catch_up(Uuid id) {
  const Listed busy(catching_up_, id);
  const PlaneLease plane = lease(id);
  if (plane) co_await plane->catch_up();
}

void ControlPlanes::group_opened(const Uuid& id) {
  Entry& entry = planes_.at(id);
  entry.open = true;
  if (observer_ != nullptr) observer_->opened(*entry.plane);
}

void ControlPlanes::close(std::map<Uuid, Entry>::iterator at) {
  if (observer_ != nullptr && at->second.open) observer_->closing(*at->second.plane);
  // Its groups let go of it first. They go on with those that the book names once all of these are open.
  for (auto& [id, entry] : planes_) {
    if (entry.group != nullptr && entry.group->has_member(at->first)) entry.group->let_go(at->first);
  }
  at->second.group.reset();
  at->second.plane->guard().set_check({});
  closed_.push_back(std::move(at->second));
  planes_.erase(at);
  if (!reaping_) scope_.spawn(reap());
}

/// Requests may be under way in what was closed, and its own coroutines on the stack.
Task<void> ControlPlanes::reap() {
  const RaisedFlag busy(reaping_);
  while (!closed_.empty()) {
    co_await rt::Sleep(local_.control, local_.control.after_ms(kReapMs));
    std::erase_if(closed_, [](const Entry& entry) { return entry.plane->leases_ == 0; });
  }
}

std::unique_ptr<MemberGuard::Claim> ControlPlanes::claim(const Uuid& member, const sync::Delta& delta) {
  std::unique_ptr<Claims> claims;
  for (auto& [id, entry] : planes_) {
    if (entry.group == nullptr || !entry.group->has_member(member)) continue;
    if (claims == nullptr) claims = std::make_unique<Claims>();
    claims->add(entry.group->claim(member, delta));
  }
  return claims;
}

// Changes of the book -------------------------------------------------------------------------------------------------

Task<Result<Uuid>> ControlPlanes::create(PlaneProfile profile, std::string author) {
  profile.id = Uuid::random();
  profile.created_ms = unix_millis();
  profile.updated_ms = profile.created_ms;
  profile.store = profile.is_group() ? "" : profile.id.to_string();
  const std::vector<Uuid> members = std::exchange(profile.members, {});
  const Uuid id = profile.id;
  const auto enter = [&]() -> Result<store::Commit> {
    if (book_->find_by_name(profile.name) != nullptr) {
      return fail(Errc::Conflict, "Control Plane with provided name already exists.", Blame::Client);
    }
    store::Commit commit;
    commit.upserts.push_back(PlaneBook::row(profile));
    return commit;
  };
  CO_TRY(co_await book_->change(enter, std::move(author)));
  for (std::int64_t waited = 0; waited < kOpenedMostMs && !is_open(id); waited += kOpenedMs) {
    co_await rt::Sleep(local_.control, local_.control.after_ms(kOpenedMs));
  }
  co_return id;
}

Task<Result<>> ControlPlanes::update(Uuid id, EditProfile edit, std::string author) {
  const auto change = [&]() -> Result<store::Commit> {
    const PlaneProfile* before = book_->find(id);
    if (before == nullptr) return no_such_plane();
    PlaneProfile after = *before;
    edit(after);
    after.updated_ms = unix_millis();
    const PlaneProfile* named = book_->find_by_name(after.name);
    if (named != nullptr && named->id != id) {
      return fail(Errc::Conflict, "Control Plane with provided name already exists.", Blame::Client);
    }
    store::Commit commit;
    commit.upserts.push_back(PlaneBook::row(after));
    return commit;
  };
  co_return co_await book_->change(change, std::move(author));
}

Task<Result<>> ControlPlanes::remove(Uuid id, std::string author) {
  const auto strike = [&]() -> Result<store::Commit> {
    const PlaneProfile* profile = book_->find(id);
    if (profile == nullptr) return no_such_plane();
    if (profile->store == kDefaultStore) {
      return fail(Errc::Forbidden, "The default control plane is the one that the Admin API serves; it stays.",
                  Blame::Client);
    }
    store::Commit commit;
    commit.removals.push_back(PlaneBook::plane_key(id));
    for (const PinnedCertificate& certificate : book_->certificates(id)) {
      commit.removals.push_back(PlaneBook::certificate_key(certificate.id));
    }
    std::ranges::move(book_->config_stores().keys_of(id), std::back_inserter(commit.removals));
    for (const PlaneProfile* group : book_->groups_of(id)) {
      PlaneProfile without = *group;
      std::erase(without.members, id);
      renew_epoch(without, epochs_of(group->members));
      commit.upserts.push_back(PlaneBook::row(without));
    }
    commit.dropped.push_back(profile->is_group() ? GroupLog::store_name(id) : profile->store);
    return commit;
  };
  co_return co_await book_->change(strike, std::move(author));
}

std::uint64_t ControlPlanes::epochs_of(const std::vector<Uuid>& members) {
  std::uint64_t sum = 0;
  for (const Uuid& id : members) {
    if (const ControlPlane* member = find(id)) sum += member->publisher().version().epoch;
  }
  return sum;
}

Result<> ControlPlanes::check_members(const std::vector<Uuid>& members) {
  MergedRows merged(catalog_);
  for (const Uuid& id : members) {
    const PlaneProfile* profile = book_->find(id);
    if (profile == nullptr) return fail(Errc::Invalid, "there is no control plane " + id.to_string(), Blame::Client);
    if (profile->cluster_type != kPlainType) {
      return fail(Errc::Invalid, "control plane " + id.to_string() + " is of a type that cannot be a member",
                  Blame::Client);
    }
    const ControlPlane* plane = find(id);
    if (plane == nullptr) return fail(Errc::Unavailable, "a control plane is still being opened; try again");
    merged.add(id, plane->store());
  }
  const auto clashes = merged.clashes();
  if (clashes.empty()) return {};
  const Clash& first = clashes.front();
  return fail(Errc::Invalid,
              "control plane " + first.member.to_string() + " clashes with " + first.other_member.to_string() + ": " +
                  first.type + " " + first.id.to_string() + " has the same " + first.what +
                  (clashes.size() > 1 ? ", and " + std::to_string(clashes.size() - 1) + " more" : ""),
              Blame::Client);
}

Task<Result<>> ControlPlanes::change_members(Uuid group, EditMembers edit, std::string author) {
  const auto change = [&]() -> Result<store::Commit> {
    const PlaneProfile* before = book_->find(group);
    if (before == nullptr || !before->is_group()) return no_such_plane();
    PlaneProfile after = *before;
    edit(after.members);
    store::Commit commit;
    if (after.members == before->members) return commit;
    TRY(check_members(after.members));
    renew_epoch(after, epochs_of(before->members));
    commit.upserts.push_back(PlaneBook::row(after));
    return commit;
  };
  co_return co_await book_->change(change, std::move(author));
}

std::optional<std::vector<Clash>> ControlPlanes::clashes(const Uuid& group) const {
  const auto at = planes_.find(group);
  if (at == planes_.end() || at->second.group == nullptr) return std::nullopt;
  return at->second.group->clashes();
}

Task<Result<>> ControlPlanes::pin(PinnedCertificate certificate, std::string author) {
  const auto add_row = [&]() -> Result<store::Commit> {
    if (book_->find(certificate.control_plane) == nullptr) return no_such_plane();
    const PinnedCertificate* holder = book_->find_certificate(certificate.id);
    if (holder != nullptr && holder->control_plane != certificate.control_plane) {
      return fail(Errc::Conflict, "the id of the certificate is taken", Blame::Client);
    }
    const auto pinned = book_->certificates(certificate.control_plane);
    const bool is_new = std::ranges::find(pinned, certificate.id, &PinnedCertificate::id) == pinned.end();
    if (is_new && pinned.size() >= kMaxCertificates) {
      return fail(Errc::TooLarge, "a control plane has at most " + std::to_string(kMaxCertificates) + " certificates",
                  Blame::Client);
    }
    const auto same = [&](const PinnedCertificate& other) {
      return other.fingerprint == certificate.fingerprint && other.id != certificate.id;
    };
    if (std::ranges::any_of(pinned, same)) {
      return fail(Errc::Conflict, "the certificate is pinned to this control plane already", Blame::Client);
    }
    store::Commit commit;
    commit.upserts.push_back(PlaneBook::row(certificate));
    return commit;
  };
  co_return co_await book_->change(add_row, std::move(author));
}

Task<Result<>> ControlPlanes::unpin(Uuid control_plane, Uuid certificate, std::string author) {
  const auto strike = [&]() -> Result<store::Commit> {
    if (book_->find_certificate(control_plane, certificate) == nullptr) {
      return fail(Errc::NotFound, "there is no such certificate", Blame::Client);
    }
    store::Commit commit;
    commit.removals.push_back(PlaneBook::certificate_key(certificate));
    return commit;
  };
  co_return co_await book_->change(strike, std::move(author));
}

Task<Result<>> ControlPlanes::change_config_stores(Uuid control_plane, EditConfigStores edit, std::string author) {
  const auto change = [&]() -> Result<store::Commit> {
    if (book_->find(control_plane) == nullptr) return no_such_plane();
    return edit(book_->config_stores());
  };
  co_return co_await book_->change(change, std::move(author));
}

// Following replicas --------------------------------------------------------------------------------------------------

ControlPlane* ControlPlanes::find_by_store(std::string_view name) {
  for (const auto& [id, entry] : planes_) {
    if (!entry.plane->is_group() && entry.plane->profile().store == name) return entry.plane.get();
  }
  return nullptr;
}

/// What was seen last, and of what is followed here how far it has come.
store::Heads ControlPlanes::known(store::Heads seen) const {
  seen[std::string(PlaneBook::kStore)] = book_->version();
  for (const auto& [id, entry] : planes_) {
    if (!entry.plane->is_group()) seen[entry.plane->profile().store] = entry.plane->publisher().version();
  }
  return seen;
}

/// False: the news led nowhere.
Task<Result<bool>> ControlPlanes::follow_one(std::string name, store::Version before) {
  if (name == PlaneBook::kStore) {
    CO_TRY(co_await book_->catch_up());
    co_return book_->version() != before;
  }
  const PlaneLease plane(find_by_store(name));
  // Its own commit may have been the news.
  if (!plane || plane->publisher().version() != before) co_return true;
  CO_TRY(co_await plane->catch_up());
  co_return plane->publisher().version() != before;
}

Task<void> ControlPlanes::follow() {
  constexpr Millis kWait{30'000};
  bool healthy = true;
  store::Heads seen;
  for (;;) {
    const store::Heads before = known(seen);
    auto heads = co_await local_.durable.wait_for_changes(before, kWait);
    Error error;
    bool stuck = false;
    if (heads) {
      seen = *std::move(heads);
      for (const auto& [name, version] : seen) {
        const auto at = before.find(name);
        if (at == before.end() || at->second == version) continue;
        const auto moved = co_await follow_one(name, at->second);
        if (!moved) error = moved.error();
        stuck = stuck || !moved || !*moved;
      }
    } else {
      error = heads.error();
      stuck = true;
    }
    const bool failed = !error.what.empty();
    if (failed && healthy) log::warn("publish.cannot_follow", {{"error", error}});
    if (!failed && !healthy) log::info("publish.following_again");
    healthy = !failed;
    // News that lead nowhere would be news again at once.
    if (stuck) co_await rt::Sleep(local_.control, local_.control.after_ms(kRetryMs));
  }
}

}  // namespace sluice::control::planes
