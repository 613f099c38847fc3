// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/planes/control_plane.h"
#include "control/planes/group.h"
#include "control/planes/plane_book.h"
#include "rt/scope.h"

namespace sluice::control::planes {

/// Hears which control planes this process has. Belongs to the control shard.
class PlanesObserver {
 public:
  virtual ~PlanesObserver() = default;
  /// It holds what the store holds, or its members. Changes come through plane.changes() from now on.
  virtual void opened(ControlPlane& plane) = 0;
  /// It is no more; nothing may use it once this returns.
  virtual void closing(ControlPlane& plane) = 0;
  /// What is said of it, or the certificates pinned to it, may have changed.
  virtual void changed(ControlPlane& /*plane*/) {}
};

/// The control planes of an installation: `default`, which the Admin API and the local gateway serve, and others, which
/// data planes serve. Nothing leaks from one to another. All share a database, its connections and the threads that
/// work on it. Belongs to the control shard.
class ControlPlanes {
 public:
  /// How many certificates may be pinned to one control plane.
  static constexpr std::size_t kMaxCertificates = 32;

  /// Everything given outlives it.
  ControlPlanes(const entity::Catalog& catalog, const LocalParts& local, MakeGateway make_gateway);
  ControlPlanes(const ControlPlanes&) = delete;
  ControlPlanes& operator=(const ControlPlanes&) = delete;
  ~ControlPlanes();

  /// Reads which there are; the default one is there from then on. For start-up: blocks.
  Result<> open_now();
  /// Opens the others, and follows what replicas write into any of them, from now on. To be called once.
  void start();
  /// Who is told, at once of those that are open; null: nobody. It may go before this object, but not unsaid.
  void set_observer(PlanesObserver* observer);

  [[nodiscard]] const PlaneBook& book() const { return *book_; }
  /// Null when there is none, or when it is not open yet.
  [[nodiscard]] ControlPlane* find(const Uuid& id);
  [[nodiscard]] PlaneLease lease(const Uuid& id) { return PlaneLease(find(id)); }
  [[nodiscard]] ControlPlane& local() { return *local_plane_; }
  [[nodiscard]] std::vector<ControlPlane*> open_planes();
  /// Whether each one in the book is open here.
  [[nodiscard]] bool all_open() const;

  /// Makes one; `profile` says everything but id, times and store. Conflict: the name is taken. The id, once it is
  /// open.
  Task<Result<Uuid>> create(PlaneProfile profile, std::string author);
  /// Lets `edit` change a profile; its id, type, store and members stay as they are.
  using EditProfile = std::function<void(PlaneProfile& profile)>;
  Task<Result<>> update(Uuid id, EditProfile edit, std::string author);
  /// Removes it and everything of it. Forbidden for the default one.
  Task<Result<>> remove(Uuid id, std::string author);

  /// Lets `edit` change the list of a group's members. Invalid: one of them cannot be one, or clashes with others.
  using EditMembers = std::function<void(std::vector<Uuid>& members)>;
  Task<Result<>> change_members(Uuid group, EditMembers edit, std::string author);
  /// What stands in the way of a group's rows; nothing while it is not known.
  [[nodiscard]] std::optional<std::vector<Clash>> clashes(const Uuid& group) const;

  /// TooLarge: there are kMaxCertificates already. Conflict: this one is pinned already. The same id: is replaced.
  Task<Result<>> pin(PinnedCertificate certificate, std::string author);
  Task<Result<>> unpin(Uuid control_plane, Uuid certificate, std::string author);
  [[nodiscard]] std::vector<PinnedCertificate> certificates(const Uuid& control_plane) const {
    return book_->certificates(control_plane);
  }

  /// Lets `edit` make or change a config store, or one of its secrets, or remove it: it looks at the book, again when
  /// somebody else was first. NotFound: there is no such control plane.
  using EditConfigStores = std::function<Result<store::Commit>(const ConfigStores& stores)>;
  Task<Result<>> change_config_stores(Uuid control_plane, EditConfigStores edit, std::string author);

 private:
  struct Entry {
    std::unique_ptr<ControlPlane> plane;
    std::unique_ptr<Group> group;  // null unless it is one
    bool open = true;              // a group is once it has a version
  };

  void reconcile();
  void open_missing();
  void open_groups();
  Task<void> open(PlaneProfile profile);
  Task<void> open_group(Uuid id);
  Task<Result<std::unique_ptr<GroupLog>>> read_group_log(Uuid id);
  Task<Result<>> drop_if_removed(Uuid group);
  void add(std::unique_ptr<ControlPlane> plane);
  void add_group(const Uuid& id, std::unique_ptr<GroupLog> log);
  void group_opened(const Uuid& id);
  [[nodiscard]] bool is_open(const Uuid& id) const;
  void catch_up_soon(const Uuid& id);
  Task<void> catch_up(Uuid id);
  void close(std::map<Uuid, Entry>::iterator at);
  Task<void> reap();
  [[nodiscard]] std::optional<std::vector<ControlPlane*>> open_members(const PlaneProfile& group);
  std::unique_ptr<MemberGuard::Claim> claim(const Uuid& member, const sync::Delta& delta);
  Result<> check_members(const std::vector<Uuid>& members);
  [[nodiscard]] store::Version list_of(const PlaneProfile& group) const {
    return {book_->version().epoch, group.members_epoch};
  }
  [[nodiscard]] std::uint64_t epochs_of(const std::vector<Uuid>& members);

  Task<void> follow();
  [[nodiscard]] store::Heads known(store::Heads seen) const;
  Task<Result<bool>> follow_one(std::string name, store::Version before);
  [[nodiscard]] ControlPlane* find_by_store(std::string_view name);

  const entity::Catalog& catalog_;
  const LocalParts local_;
  const MakeGateway make_gateway_;
  std::unique_ptr<store::AsyncStore> book_store_;
  std::unique_ptr<PlaneBook> book_;
  ControlPlane* local_plane_ = nullptr;
  PlanesObserver* observer_ = nullptr;
  std::map<Uuid, Entry> planes_;  // that are here, open or about to; groups go before their members: see the destructor
  std::set<Uuid> opening_;
  std::set<Uuid> catching_up_;
  std::list<Entry> closed_;  // until nobody uses them
  bool started_ = false;
  bool reaping_ = false;
  rt::TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace sluice::control::planes
