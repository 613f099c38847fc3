// SPDX-License-Identifier: Apache-2.0
#include "gateway/pipeline/stream_pipeline.h"

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "base/log.h"

namespace sluice::gateway {
namespace {

/// A plugin that throws is a bug of ours, but one session's bug.
StreamVerdict failed(const PluginInstance& instance, std::string_view what) {
  log::error("plugin.failed",
             {{"plugin", instance.row->descriptor->name}, {"id", instance.row->identity.id_text}, {"error", what}});
  return StreamRefusal{500, std::string(what)};
}

bool takes_part(const PluginInstance& instance, Hook phase) {
  return instance.streams != nullptr && (instance.row->descriptor->hooks & phase) != 0;
}

Task<StreamVerdict> run_from(const Plan& plan, StreamSession& session, std::size_t from);

Task<StreamVerdict> resume(const Plan& plan, StreamSession& session, std::size_t index, Task<StreamVerdict> waiting) {
  std::optional<StreamVerdict> verdict;
  try {
    verdict.emplace(co_await waiting);
  } catch (const std::exception& error) {
    verdict.emplace(failed(*plan.instances[index], error.what()));
  }
  if (verdict->refusal() != nullptr) co_return *std::move(verdict);
  co_return co_await run_from(plan, session, index + 1);
}

Task<StreamVerdict> run_from(const Plan& plan, StreamSession& session, std::size_t from) {
  for (std::size_t i = from; i < plan.instances.size(); ++i) {
    const PluginInstance& instance = *plan.instances[i];
    if (!takes_part(instance, kOnPreread)) continue;
    try {
      Task<StreamVerdict> outcome = instance.streams->on_preread(session);
      if (!outcome.ready()) return resume(plan, session, i, std::move(outcome));
      StreamVerdict verdict = outcome.take();
      if (verdict.refusal() != nullptr) return verdict;
    } catch (const std::exception& error) {
      return failed(instance, error.what());
    }
  }
  return StreamVerdict(Next{});
}

}  // namespace

Task<StreamVerdict> run_preread(const Plan& plan, StreamSession& session) {
  if ((plan.hooks & kOnPreread) == 0) return StreamVerdict(Next{});
  return run_from(plan, session, 0);
}

void run_stream_log(const Plan& plan, const StreamSession& session) noexcept {
  if ((plan.hooks & kOnStreamLog) == 0) return;
  for (const Rc<PluginInstance>& instance : plan.instances) {
    if (takes_part(*instance, kOnStreamLog)) instance->streams->on_stream_log(session);
  }
}

}  // namespace sluice::gateway
