// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "gateway/pipeline/plan.h"
#include "gateway/verdict.h"

namespace sluice::gateway {

/// Runs the plugins of one request, phase by phase. Hooks that do not wait cost a virtual call each and no frame.
class Pipeline {
 public:
  /// `cache` and `snapshot` outlive the pipeline.
  Pipeline(PlanCache& cache, const Snapshot& snapshot) : cache_(cache), snapshot_(snapshot) {}

  /// Fixes what runs for requests to `route`; null: nothing matched, global rows only.
  void begin(const RouteConfig* route);

  /// Global rows, before routing.
  Task<Verdict> rewrite(Exchange& ex);
  /// Until one replies. When a plugin authenticates a consumer, the plugins behind it are those of that consumer, in
  /// this phase and in the later ones.
  Task<Verdict> request(Exchange& ex);
  /// All of them; a Reply replaces the response for those that follow.
  Task<Verdict> response(Exchange& ex);
  /// Until one refuses it; nothing more is sent of a refused frame. `frame` outlives the task.
  Task<FrameVerdict> frame(Exchange& ex, Frame& frame);
  /// All of them, never waiting.
  void log(const Exchange& ex) noexcept;

  [[nodiscard]] Plan* plan() const { return plan_.get(); }

 private:
  using Hooks = Task<Verdict> (Plugin::*)(Exchange&);
  Task<Verdict> run(Exchange& ex, Hook phase, Hooks hook, std::size_t from);
  Task<FrameVerdict> resume_frame(Exchange& ex, Frame& frame, std::size_t index, Task<FrameVerdict> waiting);
  Task<FrameVerdict> run_frame(Exchange& ex, Frame& frame, std::size_t from);
  Task<Verdict> resume(Exchange& ex, Hook phase, Hooks hook, std::size_t index, Task<Verdict> waiting);
  /// After a hook: follows a new consumer to its plan. Returns where to go on.
  std::size_t next_after(const Exchange& ex, std::size_t index);

  PlanCache& cache_;
  const Snapshot& snapshot_;
  const RouteConfig* route_ = nullptr;
  const Consumer* planned_for_ = nullptr;
  Rc<Plan> plan_;
};

}  // namespace sluice::gateway
