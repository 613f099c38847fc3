// SPDX-License-Identifier: Apache-2.0
#include "gateway/pipeline/pipeline.h"

#include <cstddef>
#include <exception>
#include <utility>

#include "base/log.h"

namespace sluice::gateway {
namespace {

/// A plugin that throws is a bug of ours, but one request's bug: it gets a 500 and the process lives.
Verdict failed(const PluginInstance& instance, std::string_view what) {
  log::error("plugin.failed",
             {{"plugin", instance.row->descriptor->name}, {"id", instance.row->identity.id_text}, {"error", what}});
  return Error{Errc::Internal, Blame::Us, Retry::Never, std::string(what)};
}

/// Likewise of one connection.
FrameVerdict failed_frame(const PluginInstance& instance, std::string_view what) {
  log::error("plugin.failed",
             {{"plugin", instance.row->descriptor->name}, {"id", instance.row->identity.id_text}, {"error", what}});
  return FrameRefusal{.code = 1011, .peer_code = 1011};
}

bool takes_part(const PluginInstance& instance, Hook phase) {
  return (instance.row->descriptor->hooks & phase) != 0;
}

}  // namespace

void Pipeline::begin(const RouteConfig* route) {
  route_ = route;
  plan_ = cache_.plan(snapshot_, route, nullptr);
}

Task<Verdict> Pipeline::rewrite(Exchange& ex) {
  Rc<Plan> global = cache_.plan(snapshot_, nullptr, nullptr);
  if ((global->hooks & kOnRewrite) == 0) return Next{};
  plan_ = std::move(global);
  return run(ex, kOnRewrite, &Plugin::on_rewrite, 0);
}

Task<Verdict> Pipeline::request(Exchange& ex) {
  if ((plan_->hooks & kOnRequest) == 0) return Next{};
  return run(ex, kOnRequest, &Plugin::on_request, 0);
}

Task<Verdict> Pipeline::response(Exchange& ex) {
  if ((plan_->hooks & kOnResponse) == 0) return Next{};
  return run(ex, kOnResponse, &Plugin::on_response, 0);
}

std::size_t Pipeline::next_after(const Exchange& ex, std::size_t index) {
  if (ex.authenticated.consumer == planned_for_) return index + 1;
  planned_for_ = ex.authenticated.consumer;
  Rc<Plan> followed = cache_.plan(snapshot_, route_, planned_for_);
  if (followed != plan_) plan_ = cache_.continued(plan_, index + 1, followed);
  return index + 1;
}

Task<Verdict> Pipeline::run(Exchange& ex, Hook phase, Hooks hook, std::size_t from) {
  for (std::size_t i = from; i < plan_->instances.size();) {
    PluginInstance& instance = *plan_->instances[i];
    if (!takes_part(instance, phase)) {
      ++i;
      continue;
    }
    try {
      Task<Verdict> outcome = ((*instance.plugin).*hook)(ex);
      if (!outcome.ready()) return resume(ex, phase, hook, i, std::move(outcome));
      Verdict verdict = outcome.take();
      if (verdict.is_reply()) return verdict;
    } catch (const std::exception& error) {
      return failed(instance, error.what());
    }
    i = phase == kOnRequest ? next_after(ex, i) : i + 1;
  }
  return Next{};
}

Task<Verdict> Pipeline::resume(Exchange& ex, Hook phase, Hooks hook, std::size_t index, Task<Verdict> waiting) {
  Rc<PluginInstance> instance = plan_->instances[index];
  std::optional<Verdict> verdict;
  try {
    verdict.emplace(co_await waiting);
  } catch (const std::exception& error) {
    verdict.emplace(failed(*instance, error.what()));
  }
  if (verdict->is_reply()) co_return *std::move(verdict);
  co_return co_await run(ex, phase, hook, phase == kOnRequest ? next_after(ex, index) : index + 1);
}

Task<FrameVerdict> Pipeline::frame(Exchange& ex, Frame& frame) {
  if ((plan_->hooks & kOnFrame) == 0) return Next{};
  return run_frame(ex, frame, 0);
}

Task<FrameVerdict> Pipeline::run_frame(Exchange& ex, Frame& frame, std::size_t from) {
  for (std::size_t i = from; i < plan_->instances.size(); ++i) {
    PluginInstance& instance = *plan_->instances[i];
    if (!takes_part(instance, kOnFrame)) continue;
    try {
      Task<FrameVerdict> outcome = instance.plugin->on_frame(ex, frame);
      if (!outcome.ready()) return resume_frame(ex, frame, i, std::move(outcome));
      FrameVerdict verdict = outcome.take();
      if (verdict.refusal() != nullptr) return verdict;
    } catch (const std::exception& error) {
      return failed_frame(instance, error.what());
    }
  }
  return Next{};
}

Task<FrameVerdict> Pipeline::resume_frame(Exchange& ex, Frame& frame, std::size_t index, Task<FrameVerdict> waiting) {
  std::optional<FrameVerdict> verdict;
  try {
    verdict.emplace(co_await waiting);
  } catch (const std::exception& error) {
    verdict.emplace(failed_frame(*plan_->instances[index], error.what()));
  }
  if (verdict->refusal() != nullptr) co_return *std::move(verdict);
  co_return co_await run_frame(ex, frame, index + 1);
}

void Pipeline::log(const Exchange& ex) noexcept {
  if (!plan_ || (plan_->hooks & kOnLog) == 0) return;
  for (const Rc<PluginInstance>& instance : plan_->instances) {
    if (takes_part(*instance, kOnLog)) instance->plugin->on_log(ex);
  }
}

}  // namespace sluice::gateway
