// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fallback.h"

#include <algorithm>
#include <fstream>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "sync/plane_name.h"
#include "sync/version.h"

namespace sluice::dataplane {
namespace {

constexpr std::int64_t kTransferMs = 60'000;
constexpr std::int64_t kAskAgainMs = 5'000;
/// A copy of what has not changed is signed anew once a day, so that its age says something.
constexpr std::int64_t kStaleMs = std::int64_t{86'400} * 1'000;
constexpr std::int64_t kOldSeconds = 3 * 86'400;
constexpr std::size_t kMostOfGuide = 65'536;
constexpr std::size_t kMostOfMemory = 4'096;

Standing standing_of(const sync::Snapshot& snapshot) {
  return {.control_plane = snapshot.control_plane,
          .version = snapshot.version,
          .hash = snapshot.hash,
          .since_ms = 0,
          .default_workspace = {}};
}

std::unexpected<Error> unusable(std::string why) {
  return fail(Errc::Invalid, std::move(why), Blame::Config);
}

/// The ids in the text that write_guide() writes.
Result<std::vector<std::string>> read_guide(std::string_view text) {
  TRY(const Json json, parse_json(text));
  const Json* list = json.find("control_planes");
  if (list == nullptr || !list->is_array()) return unusable("no list of control planes");
  std::vector<std::string> ids;
  for (const Json& each : list->as_array()) {
    if (!each.is_string()) return unusable("no list of control planes");
    TRY(const Uuid id, Uuid::parse(each.as_string()));
    ids.push_back(id.to_string());
  }
  return ids;
}

std::string guide_text(const std::vector<std::string>& ids) {
  Json::Array list;
  for (const std::string& id : ids) list.emplace_back(id);
  return to_json(Json::Object{{"control_planes", std::move(list)}}) + "\n";
}

/// What remember() wrote, if that was for the same name.
std::string recalled(const std::string& file, const std::string& server_name) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kMostOfMemory, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  const auto json = parse_json(text);
  const Json* name = json ? json->find("server_name") : nullptr;
  const Json* id = json ? json->find("control_plane") : nullptr;
  const bool same = name != nullptr && *name == Json(server_name) && id != nullptr && id->is_string();
  return same && Uuid::parse(id->as_string()) ? id->as_string() : std::string();
}

bool is_newer(const std::string& version, const std::string& than) {
  const auto one = sync::parse_wire_version(version);
  const auto other = sync::parse_wire_version(than);
  return one && other && *other < *one;
}

}  // namespace

std::string copy_name(std::string_view control_plane) {
  return std::string(control_plane) + "/config.snapshot";
}

std::string guide_name(std::string_view server_name) {
  return "names/" + std::string(server_name) + ".json";
}

// Reading
// -------------------------------------------------------------------------------------------------------------------

Task<Result<std::int64_t>> Fallback::import(Identity identity) {
  const rt::Deadline deadline = parts_.reactor.after_ms(kTransferMs);
  CO_TRY(const std::string control_plane, co_await find_control_plane(deadline));
  CO_TRY(const auto snapshot, co_await read_copy(control_plane, identity, deadline));
  const auto made_at = static_cast<std::int64_t>(snapshot->made_at);
  Incoming incoming;
  incoming.to = standing_of(*snapshot);
  incoming.strict = true;
  incoming.only_first = true;
  incoming.delta = std::move(snapshot->rows);
  incoming.delta.complete = true;
  const std::string version = incoming.to.version;
  const auto refusal = co_await parts_.applier.apply(std::move(incoming));
  if (refusal) co_return fail(Errc::Invalid, "the copy is not served: " + refusal->message);
  const std::int64_t age = unix_seconds() - made_at;
  log::notice("cluster.fallback_imported", {{"from", parts_.store->address()},
                                            {"control_plane", control_plane},
                                            {"version", version},
                                            {"made_at", format_rfc3339(made_at * 1000)},
                                            {"age_seconds", age}});
  if (age > kOldSeconds) {
    log::warn("cluster.fallback_is_old", {{"version", version},
                                          {"age_seconds", age},
                                          {"remedy", "see that some data plane exports, and that it is connected"}});
  }
  co_return made_at;
}

/// As the control plane itself has said, else by the name that this node asks for.
Task<Result<std::string>> Fallback::find_control_plane(rt::Deadline deadline) {
  const std::string known =
      co_await rt::offload(parts_.pool, parts_.reactor, [file = terms_.memory, name = terms_.server_name] {
        return file.empty() ? std::string() : recalled(file, name);
      });
  if (!known.empty()) co_return known;
  const std::string guide = guide_name(terms_.server_name);
  CO_TRY(const std::string text, co_await parts_.store->get(guide, kMostOfGuide, deadline));
  auto ids = read_guide(text);
  if (!ids) co_return fail(parts_.store->address() + "/" + guide + ": ", std::move(ids).error());
  const std::string_view prefix = sync::plane_prefix_in(terms_.server_name);
  if (!prefix.empty()) {
    std::erase_if(*ids, [&](const std::string& id) { return sync::plane_prefix(*Uuid::parse(id)) != prefix; });
  }
  if (ids->size() == 1) co_return ids->front();
  co_return unusable(parts_.store->address() + "/" + guide + " names " + std::to_string(ids->size()) +
                     " control planes for " + terms_.server_name +
                     "; cluster_server_name can say which one, or a storage of its own for each");
}

/// Only what that control plane has signed.
Task<Fallback::Read> Fallback::read_copy(const std::string& control_plane, Identity identity, rt::Deadline deadline) {
  const std::string name = copy_name(control_plane);
  CO_TRY(std::string octets, co_await parts_.store->get(name, terms_.most, deadline));
  Read read = co_await judge(std::move(octets), std::move(identity));
  if (!read) co_return fail(parts_.store->address() + "/" + name + ": ", std::move(read).error());
  if ((*read)->control_plane == control_plane) co_return read;
  co_return fail(Errc::Forbidden,
                 parts_.store->address() + "/" + name + ": is of control plane " + (*read)->control_plane,
                 Blame::Config);
}

Task<Fallback::Read> Fallback::judge(std::string octets, Identity identity) {
  const std::string name = terms_.shared ? std::string() : terms_.server_name;
  co_return co_await rt::offload(parts_.pool, parts_.reactor,
                                 [octets = std::move(octets), identity = std::move(identity), name,
                                  now = unix_seconds(), most = terms_.most]() -> Read {
                                   const std::string trusted = identity->trusted_pem();
                                   if (trusted.empty())
                                     return fail(Errc::Unsupported, "a copy can be trusted only with cluster_ca_cert");
                                   TRY(sync::Snapshot snapshot,
                                       sync::read_snapshot(octets, trusted, static_cast<double>(now), most, name));
                                   return std::make_shared<sync::Snapshot>(std::move(snapshot));
                                 });
}

// Writing
// -------------------------------------------------------------------------------------------------------------------

void Fallback::heard_from(const std::string& control_plane) {
  if (control_plane.empty() || control_plane == remembered_ || terms_.memory.empty()) return;
  remembered_ = control_plane;
  tasks_.spawn(remember(control_plane));
}

/// Of use when everything else on this disk is lost. Without it, the name is all there is.
Task<void> Fallback::remember(std::string control_plane) {
  co_await rt::offload(parts_.pool, parts_.reactor,
                       [file = terms_.memory, name = terms_.server_name, id = std::move(control_plane)] {
                         if (recalled(file, name) == id) return true;
                         std::ofstream out(file, std::ios::binary | std::ios::trunc);
                         out << to_json(Json::Object{{"server_name", name}, {"control_plane", id}}) << "\n";
                         return static_cast<bool>(out);
                       });
}

bool Fallback::wants_signature() const {
  const Standing& now = parts_.applier.standing();
  // Only configurations of ours have a digest that says whether they are whole.
  if (!terms_.exports || exporting_ || now.control_plane.empty() || now_ms() < not_before_ms_) return false;
  return exported_ != now.version + now.hash || now_ms() - exported_ms_ > kStaleMs;
}

void Fallback::not_signed(const std::string& why) {
  not_before_ms_ = now_ms() + kAskAgainMs;
  log::debug("cluster.fallback_not_signed", {{"reason", why}});
}

void Fallback::signed_by_control_plane(State state, sync::wire::Certified certified, Identity identity) {
  if (exporting_ || !identity) return;
  not_before_ms_ = now_ms() + terms_.export_delay_ms;
  exporting_ = true;
  tasks_.spawn(export_copy(std::move(state), std::move(certified), std::move(identity)));
}

Task<void> Fallback::export_copy(State state, sync::wire::Certified certified, Identity identity) {
  const Result<> outcome = co_await write_copy(state, certified, std::move(identity));
  exporting_ = false;
  report(outcome, state.standing);
}

void Fallback::report(const Result<>& outcome, const Standing& standing) {
  if (outcome) {
    exported_ = standing.version + standing.hash;
    exported_ms_ = now_ms();
    failing_.clear();
    return;
  }
  if (outcome.error().code == Errc::Conflict) {  // another node was faster: the next look shows what it wrote
    not_before_ms_ = now_ms() + kAskAgainMs;
    return;
  }
  if (failing_ == outcome.error().what) return;
  failing_ = outcome.error().what;
  log::warn("cluster.fallback_not_exported", {{"to", parts_.store->address()}, {"error", outcome.error()}});
}

/// What nobody would take is not written.
Task<Result<>> Fallback::write_copy(const State& state, const sync::wire::Certified& certified, Identity identity) {
  const rt::Deadline deadline = parts_.reactor.after_ms(kTransferMs);
  const std::string made = co_await rt::offload(parts_.pool, parts_.reactor, [state, certified] {
    sync::Snapshot snapshot{.control_plane = state.standing.control_plane,
                            .version = state.standing.version,
                            .hash = state.standing.hash,
                            .made_by = certified.made_by,
                            .made_at = certified.made_at,
                            .rows = received(state.rows)};
    sync::order_rows(snapshot.rows.upserts);
    return sync::write_snapshot(snapshot, certified.signature, certified.certificate);
  });
  CO_TRY(co_await judge(made, identity));
  CO_TRY(const auto tag, co_await tag_to_replace(state.standing, identity, deadline));
  if (tag) {
    CO_TRY(co_await parts_.store->put(copy_name(state.standing.control_plane), made, *tag, deadline));
    log::info("cluster.fallback_exported", {{"to", parts_.store->address()}, {"version", state.standing.version}});
  }
  co_return co_await write_guide(state.standing.control_plane, deadline);
}

/// Which writing of the copy may be replaced; nothing: it is as good as ours, or newer. A header can say anything: only
/// what is signed keeps its place.
Task<Result<std::optional<std::string>>> Fallback::tag_to_replace(const Standing& ours, Identity identity,
                                                                  rt::Deadline deadline) {
  using Tag = std::optional<std::string>;
  const std::string name = copy_name(ours.control_plane);
  auto standing = co_await parts_.store->peek(name, sync::kSnapshotHead, deadline);
  if (!standing && standing.error().code == Errc::NotFound) co_return Tag("");
  if (!standing) co_return std::unexpected(std::move(standing).error());
  const auto header = sync::peek_snapshot(standing->octets);
  const bool newer = header && is_newer(header->version, ours.version);
  const bool equal = header && header->version == ours.version && header->hash == ours.hash &&
                     static_cast<double>(unix_seconds()) - header->made_at < static_cast<double>(kStaleMs) / 1000;
  if (!newer && !equal) co_return Tag(standing->tag);
  const Read good = co_await read_copy(ours.control_plane, std::move(identity), deadline);
  if (good) co_return Tag();
  log::warn("cluster.fallback_copy_replaced", {{"name", name}, {"reason", good.error()}});
  co_return Tag(standing->tag);
}

/// A new node knows a name, and not yet whose it is.
Task<Result<>> Fallback::write_guide(const std::string& control_plane, rt::Deadline deadline) {
  const std::string name = guide_name(terms_.server_name);
  auto standing = co_await parts_.store->peek(name, kMostOfGuide, deadline);
  if (!standing && standing.error().code != Errc::NotFound) co_return std::unexpected(std::move(standing).error());
  std::vector<std::string> ids;
  if (standing) ids = read_guide(standing->octets).value_or(std::vector<std::string>{});
  if (std::ranges::find(ids, control_plane) != ids.end()) co_return Result<>{};
  ids.push_back(control_plane);
  co_return co_await parts_.store->put(name, guide_text(ids), standing ? standing->tag : std::string(), deadline);
}

}  // namespace sluice::dataplane
