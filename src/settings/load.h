// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/settings.h"

namespace sluice::settings {

using NamedValue = std::pair<std::string, std::string>;

/// Where settings come from, weakest first.
struct Sources {
  std::string file_name = {};                 // for messages
  std::string file = {};                      // the text; empty when there is no file
  std::vector<NamedValue> environment = {};   // all of it; also what {vault://env/...} reads
  std::vector<NamedValue> command_line = {};  // setting names and values
};

/// One thing that is wrong: where it stands, and why.
struct Problem {
  std::string where;  // "sluice.conf, line 3", "SLUICE_PREFIX", "command line"; empty when several settings disagree
  std::string what;
};

struct Loaded {
  Settings settings;
  std::vector<std::string> warnings;
};

/// Default < file < KONG_NAME < SLUICE_NAME < command line. Reports every problem, not only the first. In the file, on
/// the command line and in SLUICE_* an unknown name is a problem; names that kong.conf knows and we have no use for
/// make one warning; other KONG_* are ignored, and so is what Kubernetes injects for a service named sluice. An empty
/// environment variable counts as not set.
std::expected<Loaded, std::vector<Problem>> load(const Sources& sources);

/// The environment of this process.
std::vector<NamedValue> process_environment();

/// One line each: `sluice.conf, line 3: prxy_listen: unknown setting; did you mean proxy_listen?`
std::string to_string(const std::vector<Problem>& problems);

}  // namespace sluice::settings
