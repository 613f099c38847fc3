// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <CLI/CLI.hpp>

#include "cli/bench/command.h"
#include "cli/cluster/commands.h"
#include "cli/file/commands.h"
#include "cli/gateway/commands.h"

namespace sluice::cli {

void add_commands(CLI::App& app, int& exit_code, MakeCatalog make_catalog) {
  add_gateway_commands(app, exit_code, make_catalog);
  add_file_commands(app, exit_code, std::move(make_catalog));
  add_cluster_commands(app, exit_code);
  add_bench_command(app, exit_code);
}

}  // namespace sluice::cli
