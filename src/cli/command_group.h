// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <memory>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/error.h"
#include "cli/commands.h"

namespace sluice::cli {

/// Subcommands of `parent`, each with options that fill arguments of its own. What a body fails with goes to standard
/// error, and the exit code is then 1.
template <class Arguments>
class CommandGroup {
 public:
  CommandGroup(CLI::App& parent, int& exit_code, MakeCatalog make_catalog)
      : parent_(parent), exit_code_(exit_code), make_catalog_(std::move(make_catalog)) {}

  using Body = Result<int> (*)(const Arguments& arguments, const MakeCatalog& make_catalog);
  /// The arguments live as long as the subcommand.
  std::pair<CLI::App*, Arguments*> add(const char* name, const char* description, Body body) {
    CLI::App* command = parent_.add_subcommand(name, description);
    auto arguments = std::make_shared<Arguments>();
    command->callback([arguments, body, make_catalog = make_catalog_, &exit_code = exit_code_] {
      auto code = body(*arguments, make_catalog);
      if (!code) fmt::print(stderr, "sluice: {}\n", code.error().what);
      exit_code = code.value_or(1);
    });
    return {command, arguments.get()};
  }

 private:
  CLI::App& parent_;
  int& exit_code_;
  MakeCatalog make_catalog_;
};

}  // namespace sluice::cli
