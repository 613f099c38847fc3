// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/json.h"
#include "control/iam/accounts.h"
#include "control/iam/front_door.h"
#include "control/platform/problem.h"

// Accounts as the platform API shows them: the contract's fields, and behind them what we know beyond it.
namespace sluice::control::platform {

Json show(const iam::Organization& organization);
Json show(const iam::User& user);
/// `current`: the one that asks.
Json show(const iam::Accounts& accounts, const iam::Session& session, const Uuid& current);
Json show(const iam::Accounts& accounts, const iam::AccessToken& token);
/// `2026-02-03T04:05:06.789Z`, or null for never.
Json time_or_null(std::int64_t milliseconds);

Reply reply_of(const iam::Refusal& refusal);
/// What became of a change of accounts that failed: a conflict is one.
Reply account_problem(const Error& error);

}  // namespace sluice::control::platform
