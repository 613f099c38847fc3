// SPDX-License-Identifier: Apache-2.0
#include "control/planes/plane_book.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/time.h"

namespace sluice::control::planes {
namespace {

// Of rows; see store::is_internal().
constexpr std::string_view kPlane = "_control_plane";
constexpr std::string_view kCertificate = "_dp_client_certificate";

constexpr std::size_t kEntriesAtATime = 10'000;
constexpr unsigned kMaxAttempts = 16;  // how often others may come first before a change is given up

PlaneProfile default_profile() {
  PlaneProfile profile;
  profile.id = Uuid::random();
  profile.name = kDefaultStore;
  profile.description = "The control plane of the Admin API.";
  profile.created_ms = unix_millis();
  profile.updated_ms = profile.created_ms;
  profile.store = kDefaultStore;
  return profile;
}

bool is_local(const std::pair<const Uuid, PlaneProfile>& entry) {
  return entry.second.store == kDefaultStore;
}

Error not_kept(Error error) {
  if (error.code != Errc::TooLarge) error.code = Errc::Unavailable;
  return error;
}

}  // namespace

Result<> PlaneBook::open_now() {
  store::DurableStore& store = store_.blocking();
  for (unsigned attempt = 0; attempt < kMaxAttempts; ++attempt) {
    TRY(store::Contents contents, store.load());
    take(std::move(contents));
    if (!local_.is_nil()) return {};
    store::Commit commit;
    commit.upserts.push_back(row(default_profile()));
    commit.author = "start";
    const auto made = store.commit(version_, std::span(&commit, 1));
    if (!made && made.error().failure != store::CommitFailure::Conflict) return std::unexpected(made.error().error);
  }
  return fail(Errc::Unavailable, "others were first too often");
}

// Reading -------------------------------------------------------------------------------------------------------------

const PlaneProfile* PlaneBook::find(const Uuid& id) const {
  const auto at = planes_.find(id);
  return at != planes_.end() ? &at->second : nullptr;
}

const PlaneProfile* PlaneBook::find_by_name(std::string_view name) const {
  const auto at = std::ranges::find_if(planes_, [&](const auto& entry) { return entry.second.name == name; });
  return at != planes_.end() ? &at->second : nullptr;
}

const PlaneProfile* PlaneBook::find_by_prefix(std::string_view host_prefix) const {
  const auto has = [&](const auto& entry) { return entry.second.host_prefix() == host_prefix; };
  const auto at = std::ranges::find_if(planes_, has);
  return at != planes_.end() ? &at->second : nullptr;
}

const PlaneProfile& PlaneBook::local() const {
  const auto at = planes_.find(local_);
  SLUICE_ASSERT(at != planes_.end());  // open_now() has seen to it, and nobody removes it
  return at->second;
}

std::vector<const PlaneProfile*> PlaneBook::groups_of(const Uuid& id) const {
  std::vector<const PlaneProfile*> groups;
  for (const auto& [own, profile] : planes_) {
    if (std::ranges::find(profile.members, id) != profile.members.end()) groups.push_back(&profile);
  }
  return groups;
}

std::vector<PinnedCertificate> PlaneBook::certificates(const Uuid& control_plane) const {
  std::vector<PinnedCertificate> found;
  for (const auto& [id, certificate] : certificates_) {
    if (certificate.control_plane == control_plane) found.push_back(certificate);
  }
  std::ranges::sort(found, {}, [](const auto& one) { return std::pair(one.created_at, one.id); });
  return found;
}

const PinnedCertificate* PlaneBook::find_certificate(const Uuid& control_plane, const Uuid& id) const {
  const PinnedCertificate* found = find_certificate(id);
  return found != nullptr && found->control_plane == control_plane ? found : nullptr;
}

const PinnedCertificate* PlaneBook::find_certificate(const Uuid& id) const {
  const auto at = certificates_.find(id);
  return at != certificates_.end() ? &at->second : nullptr;
}

std::vector<PinnedCertificate> PlaneBook::find_by_fingerprint(std::string_view fingerprint) const {
  std::vector<PinnedCertificate> found;
  const auto [first, last] = by_fingerprint_.equal_range(fingerprint);
  for (auto at = first; at != last; ++at) found.push_back(certificates_.at(at->second));
  return found;
}

// Writing -------------------------------------------------------------------------------------------------------------

sync::EntityRow PlaneBook::row(const PlaneProfile& profile) {
  return {std::string(kPlane), profile.id, std::make_shared<const std::string>(profile.to_text())};
}

sync::EntityRow PlaneBook::row(const PinnedCertificate& certificate) {
  return {std::string(kCertificate), certificate.id, std::make_shared<const std::string>(certificate.to_text())};
}

sync::EntityKey PlaneBook::plane_key(const Uuid& id) {
  return {std::string(kPlane), id};
}

sync::EntityKey PlaneBook::certificate_key(const Uuid& id) {
  return {std::string(kCertificate), id};
}

Task<Result<>> PlaneBook::change(Edit edit, std::string author) {
  for (unsigned attempt = 0; attempt < kMaxAttempts; ++attempt) {
    CO_TRY(store::Commit commit, edit());
    if (commit.upserts.empty() && commit.removals.empty() && commit.dropped.empty()) co_return Result<>{};
    commit.author = author;
    std::vector<store::Commit> group;
    group.push_back(std::move(commit));
    const auto made = co_await store_.commit(version_, std::move(group));
    const auto caught_up = co_await catch_up();
    if (made) co_return caught_up;
    if (made.error().failure != store::CommitFailure::Conflict || !caught_up) {
      co_return std::unexpected(not_kept(made.error().error));
    }
  }
  co_return fail(Errc::Unavailable, "others were first too often", Blame::System, Retry::Safe);
}

// Taking over ---------------------------------------------------------------------------------------------------------

Task<Result<>> PlaneBook::catch_up() {
  auto news = co_await store_.read_log(version_, kEntriesAtATime);
  if (news) {
    take(*news);
    co_return Result<>{};
  }
  if (news.error().code != Errc::NotFound) co_return std::unexpected(std::move(news).error());
  CO_TRY(store::Contents contents, co_await store_.load());
  take(std::move(contents));
  co_return Result<>{};
}

/// A backup from before there was a book knows nothing of the default control plane, which goes on all the same.
void PlaneBook::take(store::Contents contents) {
  const auto before = std::exchange(planes_, {});
  certificates_.clear();
  by_fingerprint_.clear();
  ++access_changes_;
  config_stores_.clear();
  for (const sync::EntityRow& row : contents.rows) put(row.type, row.id, *row.document);
  version_ = contents.version;
  const bool lost = !local_.is_nil() && std::ranges::none_of(planes_, is_local);
  if (lost) planes_.emplace(local_, before.at(local_));
  if (told_) told_();
}

void PlaneBook::take(const store::LogPart& news) {
  if (news.reached <= version_) return;
  for (const store::LogEntry& entry : news.entries) {
    if (entry.version <= version_) continue;
    if (entry.document != nullptr) {
      put(entry.type, entry.id, *entry.document);
    } else {
      erase(entry.type, entry.id);
    }
  }
  version_ = news.reached;
  if (told_) told_();
}

void PlaneBook::put(std::string_view type, const Uuid& id, const std::string& text) {
  const auto unreadable = [&](const Error& error) {
    log::error("planes.damaged_row", {{"type", type}, {"id", id.to_string()}, {"error", error}});
  };
  if (type == kPlane) {
    auto profile = PlaneProfile::parse(text);
    if (!profile) return unreadable(profile.error());
    if (profile->store == kDefaultStore) local_ = id;
    const PlaneProfile* before = find(id);
    if (before == nullptr || before->auth_type != profile->auth_type) ++access_changes_;
    planes_.insert_or_assign(id, *std::move(profile));
  } else if (type == kCertificate) {
    auto certificate = PinnedCertificate::parse(text);
    if (!certificate) return unreadable(certificate.error());
    erase(type, id);
    ++access_changes_;
    by_fingerprint_.emplace(certificate->fingerprint, id);
    certificates_.insert_or_assign(id, *std::move(certificate));
  } else if (const auto taken = config_stores_.put(type, text); !taken) {
    unreadable(taken.error());
  }
}

void PlaneBook::erase(std::string_view type, const Uuid& id) {
  if (type == kPlane) access_changes_ += planes_.erase(id);
  config_stores_.erase(type, id);
  const auto at = type == kCertificate ? certificates_.find(id) : certificates_.end();
  if (at == certificates_.end()) return;
  const auto [first, last] = by_fingerprint_.equal_range(at->second.fingerprint);
  const auto indexed = std::find_if(first, last, [&](const auto& entry) { return entry.second == id; });
  if (indexed != last) by_fingerprint_.erase(indexed);
  ++access_changes_;
  certificates_.erase(at);
}

}  // namespace sluice::control::planes
