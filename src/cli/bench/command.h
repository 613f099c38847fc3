// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace sluice::cli {

/// `bench-client`; see add_commands().
void add_bench_command(CLI::App& app, int& exit_code);

}  // namespace sluice::cli
