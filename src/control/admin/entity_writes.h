// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "control/admin/place.h"
#include "control/publish/change.h"

// POST, PUT, PATCH and DELETE of entities. Without a database none is carried out, but each is checked as if it were.
namespace sluice::control::admin {

Task<Reply> create(const Place& at, const Request& request);
Task<Reply> put(const Place& at, const Request& request);
Task<Reply> patch(const Place& at, const Request& request);
Task<Reply> remove(const Place& at, const Request& request);

/// `/routes/r/service`: the entity that a row refers to, where `at.link` is the reference. A PUT makes one and refers
/// to it where there is none.
Task<Reply> put_referred(const Place& at, const Request& request);
Task<Reply> patch_referred(const Place& at, const Request& request);

/// Carries out operations as one change. `if_match` see publish::transaction().
Task<publish::Publisher::Outcome> carry_out(const Parts& parts, const Request& request,
                                            std::vector<publish::Operation> operations, std::string if_match = {});
/// The same; answers with what the one at `position` made.
Task<Reply> carry_out_for(const Parts& parts, const Request& request, std::vector<publish::Operation> operations,
                          std::size_t position, int status, std::string if_match = {});

/// Kong's error body for what was not done.
Reply refused(const publish::Refusal& refusal);
Reply failed(const publish::Failure& failure);
/// 503 or 507: the change could not be kept. Nothing when it was refused for another reason.
std::optional<Reply> not_kept(const publish::Refusal& refusal);

}  // namespace sluice::control::admin
