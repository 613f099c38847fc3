// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "configuration.h"

namespace sluice::apps {

// Each command returns the exit code of the process.

int start(const SettingsArguments& arguments);
/// The process that serves, started by start() below its supervisor. `handover` is a descriptor.
int worker(int handover);
int echo(const std::string& listen);
int config_parse(const SettingsArguments& arguments, const std::string& file);
int check(const std::string& file);
int print_version(bool as_json);
int health(const SettingsArguments& arguments);

struct ExplainArguments {
  std::string method;
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  bool as_json = false;
};
int explain(const SettingsArguments& arguments, const ExplainArguments& request);

}  // namespace sluice::apps
