// SPDX-License-Identifier: Apache-2.0
#include "dataplane/applier.h"

#include <utility>

#include "base/log.h"
#include "sync/version.h"

namespace sluice::dataplane {
namespace {

/// Whether `to` is behind `from`, where both count in the same way.
bool goes_back(const Standing& from, const Standing& to) {
  if (from.control_plane != to.control_plane) return false;
  const auto before = sync::parse_wire_version(from.version);
  const auto after = sync::parse_wire_version(to.version);
  return before && after && *after < *before;
}

}  // namespace

std::optional<Refusal> Applier::judge_order(const Incoming& incoming) const {
  const Standing& now = state_.standing;
  if (incoming.only_first && !now.empty()) {
    return Refusal{Refusal::Kind::Stale, "version " + now.version + " came meanwhile, and is served"};
  }
  if (!incoming.delta.complete && incoming.from != now.version) {
    return Refusal{Refusal::Kind::OutOfOrder, "changes version " + incoming.from + ", and " +
                                                  (now.version.empty() ? "none" : now.version) + " is served"};
  }
  // Another product's control plane may count anew, and then it says that it starts from nothing.
  const bool ours = incoming.strict || !incoming.delta.complete;
  if (ours && goes_back(now, incoming.to)) {
    return Refusal{Refusal::Kind::Stale,
                   "version " + incoming.to.version + " is older than " + now.version + ", which is served"};
  }
  return std::nullopt;
}

Task<std::optional<Refusal>> Applier::apply(Incoming incoming) {
  rt::Turn turn(line_, parts_.control);
  co_await turn;
  if (auto refusal = judge_order(incoming)) {
    ++counts_.refused;
    co_return refusal;
  }
  const Standing& now = state_.standing;
  const bool same_name = incoming.to.version == now.version && incoming.to.hash == now.hash &&
                         incoming.to.control_plane == now.control_plane;
  if (same_name && !now.empty() && !incoming.to.hash.empty()) co_return std::nullopt;
  if (!now.control_plane.empty() && !incoming.to.control_plane.empty() &&
      now.control_plane != incoming.to.control_plane) {
    log::warn("cluster.control_plane_changed", {{"before", now.control_plane}, {"now", incoming.to.control_plane}});
  }
  incoming.to.since_ms = parts_.control.clock().wall_ms();
  using Judged = std::expected<Candidate, Refusal>;
  // A thread of its own kind: a hundred thousand documents take a second.
  Judged judged = co_await rt::offload(
      parts_.pool, parts_.control,
      [&catalog = parts_.catalog, state = state_, in = std::make_shared<Incoming>(std::move(incoming))] {
        return validate(catalog, state, std::move(*in));
      });
  std::optional<Refusal> refusal;
  if (judged) {
    refusal = co_await bring_into_service(*std::move(judged));
  } else {
    refusal = std::move(judged).error();
  }
  ++(refusal ? counts_.refused : counts_.applied);
  co_return refusal;
}

Task<std::optional<Refusal>> Applier::bring_into_service(Candidate candidate) {
  const auto step = std::make_shared<const Step>(std::move(candidate.step));
  sync::CommitStep commit = [this, step, next = candidate.next] { return keep(step, next); };
  auto outcome = co_await parts_.gateway.apply(std::move(candidate.served), std::move(commit));
  if (!outcome) co_return refusal_of(outcome.error(), candidate.next.rows, parts_.catalog);
  note_ignored(candidate);
  state_ = std::move(candidate.next);
  log::info("cluster.configuration_applied", {{"version", state_.standing.version},
                                              {"hash", state_.standing.hash},
                                              {"rows", state_.rows.size()},
                                              {"changed", step->puts.size() + step->removals.size()}});
  co_return std::nullopt;
}

/// A disk that takes nothing is no reason to go on with what was revoked: the change is served all the same.
Task<bool> Applier::keep(std::shared_ptr<const Step> step, State next) {
  co_await parts_.cache.commit(std::move(step), std::move(next));
  co_return true;
}

void Applier::note_ignored(const Candidate& candidate) {
  const std::uint64_t ignored = candidate.ignored_fields + candidate.ignored_rows;
  counts_.ignored_fields += ignored;
  if (ignored == 0 || ignored == ignored_last_) return;
  ignored_last_ = ignored;
  log::warn("cluster.left_out", {{"fields", candidate.ignored_fields},
                                 {"rows", candidate.ignored_rows},
                                 {"version", candidate.next.standing.version},
                                 {"reason", "the control plane knows more than this release"}});
}

}  // namespace sluice::dataplane
