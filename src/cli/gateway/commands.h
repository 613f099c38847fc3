// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands.h"

namespace sluice::cli {

/// `gateway ping|dump|diff|sync|apply|validate|reset`; see add_commands().
void add_gateway_commands(CLI::App& app, int& exit_code, MakeCatalog make_catalog);

}  // namespace sluice::cli
