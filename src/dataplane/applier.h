// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/cache.h"
#include "dataplane/standing.h"
#include "dataplane/validation.h"
#include "entity/catalog.h"
#include "rt/offload.h"
#include "rt/task.h"
#include "rt/turn.h"
#include "sync/local.h"

namespace sluice::dataplane {

/// Brings configurations into service: judged as a whole, compiled by the gateway, kept on disk, then published; all of
/// a change or nothing. What is served never goes back to an earlier version of the same epoch. Belongs to the control
/// reactor.
class Applier {
 public:
  /// Everything outlives it.
  struct Parts {
    const entity::Catalog& catalog;
    sync::LocalGateway& gateway;
    Cache& cache;
    rt::BlockingPool& pool;
    rt::Reactor& control;
  };
  /// `served`: what the gateway serves already.
  Applier(Parts parts, State served) : parts_(parts), state_(std::move(served)) {}
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;

  /// Nothing: it is served, or was so before. One after the other, in the order of the calls.
  Task<std::optional<Refusal>> apply(Incoming incoming);

  [[nodiscard]] const Standing& standing() const { return state_.standing; }
  [[nodiscard]] const State& state() const { return state_; }
  /// Since the start.
  struct Counts {
    std::uint64_t applied = 0;
    std::uint64_t refused = 0;
    std::uint64_t ignored_fields = 0;  // and rows of unknown types
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  [[nodiscard]] std::optional<Refusal> judge_order(const Incoming& incoming) const;
  Task<std::optional<Refusal>> bring_into_service(Candidate candidate);
  Task<bool> keep(std::shared_ptr<const Step> step, State next);
  void note_ignored(const Candidate& candidate);

  const Parts parts_;
  State state_;
  Counts counts_;
  std::uint64_t ignored_last_ = 0;
  const rt::Turn::Line line_ = rt::Turn::make_line();
};

}  // namespace sluice::dataplane
