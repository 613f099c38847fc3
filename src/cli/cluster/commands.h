// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace sluice::cli {

/// `nodes` and `dp join`; see add_commands().
void add_cluster_commands(CLI::App& app, int& exit_code);

}  // namespace sluice::cli
