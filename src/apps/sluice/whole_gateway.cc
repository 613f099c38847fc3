// SPDX-License-Identifier: Apache-2.0
#include "whole_gateway.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"

namespace sluice::apps {

void WholeGateway::fall_behind(const std::vector<sync::ConfigProblem>& problems) {
  behind_ = true;
  for (const sync::ConfigProblem& problem : problems) {
    log::error("store.cannot_serve", {{"type", problem.type},
                                      {"id", problem.id.to_string()},
                                      {"field", problem.field},
                                      {"problem", problem.message}});
  }
}

/// What the store will hold after a change.
sync::Delta WholeGateway::whole_with(const sync::Delta& delta) const {
  if (delta.complete) return delta;
  std::map<std::pair<std::string_view, Uuid>, bool> touched;
  for (const auto& row : delta.upserts) touched.emplace(std::pair(std::string_view(row.type), row.id), true);
  for (const auto& key : delta.removals) touched.emplace(std::pair(std::string_view(key.type), key.id), true);
  sync::Delta whole;
  whole.complete = true;
  whole.hash = delta.hash;
  whole.upserts = delta.upserts;
  for (const auto& [workspace, space] : store_.spaces()) {
    for (const auto& table : space.tables()) {
      for (const auto& [id, document] : table.rows()) {
        if (touched.contains({table.type().name(), id})) continue;
        whole.upserts.push_back({std::string(table.type().name()), id, document, workspace});
      }
    }
  }
  return whole;
}

Task<WholeGateway::Outcome> WholeGateway::apply(sync::Delta delta, sync::CommitStep commit) {
  if (behind_) {
    Outcome late = co_await catch_up(std::move(delta), std::move(commit));
    co_return late;
  }
  const bool kept_already = !commit;
  Outcome outcome = co_await gateway().apply(std::move(delta), std::move(commit));
  if (!outcome && kept_already) behind_ = true;  // whoever follows the log says what is wrong
  co_return outcome;
}

Task<WholeGateway::Outcome> WholeGateway::catch_up(sync::Delta delta, sync::CommitStep commit) {
  const bool kept_already = !commit;
  Outcome outcome = co_await gateway().apply(whole_with(delta), commit);
  if (outcome) {
    behind_ = false;
    log::info("store.served_again");
    co_return outcome;
  }
  const auto is_ours = [&](const sync::ConfigProblem& problem) {
    return std::ranges::any_of(delta.upserts,
                               [&](const auto& row) { return row.id == problem.id && row.type == problem.type; });
  };
  const bool refused = kept_already || outcome.error().empty() || std::ranges::any_of(outcome.error(), is_ours);
  if (refused) co_return outcome;
  const auto& first = outcome.error().front();
  log::warn("store.still_not_served", {{"type", first.type}, {"id", first.id.to_string()}, {"problem", first.message}});
  const bool kept = co_await commit();
  if (!kept) co_return std::unexpected(std::vector<sync::ConfigProblem>{});
  const sync::NodeStatus status = gateway().status();
  co_return sync::Applied{status.generation, status.hash};
}

}  // namespace sluice::apps
