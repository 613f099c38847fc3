// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/process/hardening.h"
#include "base/error.h"
#include "configuration.h"

namespace sluice::apps {

/// What settings say about a worker's rights.
process::Hardening hardening_of(const settings::Settings& settings, const SettingsArguments& arguments);

/// Becomes `nginx_user` when root has started us and the setting names one.
Result<> change_user(const settings::Settings& settings);

}  // namespace sluice::apps
