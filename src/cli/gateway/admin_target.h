// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "cli/gateway/admin_client.h"
#include "cli/gateway/arguments.h"

namespace CLI {
class App;
}

namespace sluice::cli {

/// The options that say where the Admin API is and how it is spoken to; `arguments` outlive the command.
void add_admin_options(CLI::App& command, GatewayArguments& arguments);
/// Those of them that say how it is spoken to.
void add_talk_options(CLI::App& command, GatewayArguments& arguments);

/// What those options, then the environment, then the defaults say. The error names a header that is none.
Result<AdminTarget> admin_target(const GatewayArguments& arguments);

}  // namespace sluice::cli
