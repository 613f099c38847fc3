// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/commands.h"

namespace sluice::cli {

/// `file validate|convert|merge|patch|add-tags|...`; see add_commands(). They read and write files and ask nobody.
void add_file_commands(CLI::App& app, int& exit_code, MakeCatalog make_catalog);

}  // namespace sluice::cli
