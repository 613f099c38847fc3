// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/gateway/plan.h"

namespace sluice::cli {

struct PlanView {
  bool colour = false;
  bool show_secrets = false;                    // else secret fields show as [masked]
  bool details = true;                          // a diff below each update
  std::vector<std::string> environment_values;  // masked wherever they stand
};

/// `creating service x`, `updating ...` with a diff, `deleting ...`, a line or block each.
std::string plan_text(const Plan& plan, const PlanView& view);
/// "Summary:" and three counts.
std::string summary_text(const Plan& plan);
/// `{"changes": {creating, updating, deleting}, "summary": {...}, "warnings": [], "errors": [...]}`.
Json plan_json(const Plan& plan, const PlanView& view, const std::vector<std::string>& errors = {});

/// The entity without its secrets; what differs from `other` says so without showing either.
Json masked(const schema::EntityBase& type, const Json& document, const Json& other, const PlanView& view);

}  // namespace sluice::cli
