// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "entity/catalog.h"

namespace CLI {
class App;
}

namespace sluice::cli {

/// What a gateway says of itself that decides which entities and values there are.
struct Dialect {
  entity::RouterFlavor flavor = entity::RouterFlavor::TraditionalCompatible;
  std::string version = "3.10.0.0";  // of Kong, with which it is compatible
};

/// Makes the description of all entities and plugins, when a command needs it: most do not, and it takes milliseconds.
using MakeCatalog = std::function<std::unique_ptr<const entity::Catalog>(const Dialect& dialect)>;

/// Adds `gateway ...` (an Admin API as seen from outside), `file ...` (state files), `nodes` and `dp ...` (data planes
/// of a control plane) to the program's commands. A command that ran leaves its exit code in `exit_code`: 0, 1 for an
/// error, 2 for differences where that was asked for. `app` must not outlive `exit_code`.
void add_commands(CLI::App& app, int& exit_code, MakeCatalog make_catalog);

}  // namespace sluice::cli
