// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/iam/accounts.h"
#include "settings/settings.h"

namespace sluice::apps {

/// Where people find the console: the first admin_gui_url, else the first address that it listens on; never what a
/// request says. Without a slash at the end; empty: nowhere.
std::string console_url(const settings::Settings& settings);

/// While nobody can sign in: makes the account that admin_password asks for, else a link with which one can be made,
/// in `secrets/set-up-link` below the prefix, and on standard error when that is a terminal. For start-up: blocks.
/// Throws when the account that was asked for cannot be made: the node would be open to all. What fails of a link is
/// logged: the gateway serves all the same.
void offer_first_account(const settings::Settings& settings, control::iam::Accounts& accounts);

}  // namespace sluice::apps
