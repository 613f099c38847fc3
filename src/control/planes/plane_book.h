// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/planes/config_store.h"
#include "control/planes/plane_profile.h"
#include "rt/task.h"
#include "store/async_store.h"

namespace sluice::control::planes {

/// Which control planes there are, and which certificates are pinned to each, which secrets are kept for
/// each: a log of changes in the store, like the
/// entities themselves, so that replicas agree about it and it shows who changed what. Belongs to the control shard.
class PlaneBook {
 public:
  /// The name of its rows in the store.
  static constexpr std::string_view kStore = "registry";

  /// `store` keeps rows under kStore, and outlives the book.
  explicit PlaneBook(store::AsyncStore& store) : store_(store) {}
  PlaneBook(const PlaneBook&) = delete;
  PlaneBook& operator=(const PlaneBook&) = delete;

  /// Reads all of it, and enters the default control plane if nobody has yet. For start-up: blocks.
  Result<> open_now();
  /// Called after each change, whoever made it.
  void on_change(std::function<void()> told) { told_ = std::move(told); }

  [[nodiscard]] const std::map<Uuid, PlaneProfile>& planes() const { return planes_; }
  /// Null when there is none.
  [[nodiscard]] const PlaneProfile* find(const Uuid& id) const;
  [[nodiscard]] const PlaneProfile* find_by_name(std::string_view name) const;
  [[nodiscard]] const PlaneProfile* find_by_prefix(std::string_view host_prefix) const;
  /// The one that the Admin API serves.
  [[nodiscard]] const PlaneProfile& local() const;
  /// The groups that it is a member of.
  [[nodiscard]] std::vector<const PlaneProfile*> groups_of(const Uuid& id) const;

  /// Of one control plane, oldest first.
  [[nodiscard]] std::vector<PinnedCertificate> certificates(const Uuid& control_plane) const;
  [[nodiscard]] const PinnedCertificate* find_certificate(const Uuid& control_plane, const Uuid& id) const;
  /// Whichever control plane it is pinned to.
  [[nodiscard]] const PinnedCertificate* find_certificate(const Uuid& id) const;
  /// Every control plane to which the certificate with that SHA-256 fingerprint (hexadecimal) is pinned.
  [[nodiscard]] std::vector<PinnedCertificate> find_by_fingerprint(std::string_view fingerprint) const;

  /// How often something has changed that says which data planes may join: a certificate, a kind of certificates, or
  /// which control planes there are.
  [[nodiscard]] std::uint64_t access_changes() const { return access_changes_; }

  [[nodiscard]] const ConfigStores& config_stores() const { return config_stores_; }

  /// Looks at the book as it is and says what is to be written; may be called again when somebody else was first.
  using Edit = std::function<Result<store::Commit>()>;
  /// Makes a change; `author` is whom the audit shows. Fails as `edit` does, or with Unavailable.
  Task<Result<>> change(Edit edit, std::string author);
  /// Rows for an edit to write.
  static sync::EntityRow row(const PlaneProfile& profile);
  static sync::EntityRow row(const PinnedCertificate& certificate);
  static sync::EntityKey plane_key(const Uuid& id);
  static sync::EntityKey certificate_key(const Uuid& id);

  /// Takes over what others have written.
  Task<Result<>> catch_up();
  [[nodiscard]] const store::Version& version() const { return version_; }

 private:
  void take(store::Contents contents);
  void take(const store::LogPart& news);
  void put(std::string_view type, const Uuid& id, const std::string& text);
  void erase(std::string_view type, const Uuid& id);

  store::AsyncStore& store_;
  store::Version version_;
  std::map<Uuid, PlaneProfile> planes_;
  Uuid local_;  // of them, the default one
  std::map<Uuid, PinnedCertificate> certificates_;
  std::multimap<std::string, Uuid, std::less<>> by_fingerprint_;
  std::uint64_t access_changes_ = 0;
  ConfigStores config_stores_;
  std::function<void()> told_;
};

}  // namespace sluice::control::planes
