// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/pipeline/plan.h"
#include "gateway/stream_session.h"

namespace sluice::gateway {

/// Asks the plugins of a session until one refuses it. Ready at once unless one has to wait. Both outlive the task.
Task<StreamVerdict> run_preread(const Plan& plan, StreamSession& session);
/// Tells all of them how it ended.
void run_stream_log(const Plan& plan, const StreamSession& session) noexcept;

}  // namespace sluice::gateway
