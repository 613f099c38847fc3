// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::cli {

/// What the command line says to the `gateway` commands.
struct GatewayArguments {
  // Where
  std::string address;
  std::vector<std::string> headers;  // "Name: value"
  std::string token;
  std::string workspace;
  std::string control_plane;     // name or id; empty: what the Admin API at `address` serves
  std::string platform_address;  // of the platform API, where `control_plane` is looked for
  bool tls_skip_verify = false;
  std::string ca_file;
  std::int64_t timeout_s = 10;
  // What
  std::vector<std::string> files;
  std::vector<std::string> select_tags;
  bool skip_consumers = false;
  bool dry_run = false;
  bool force = false;
  // How it is shown
  bool json_output = false;
  bool silent = false;
  bool no_colour = false;
  bool show_secrets = false;
  bool show_environment = false;
  bool non_zero = false;  // 2 on differences
  std::string output = "-";
  std::string format = "yaml";
  bool with_ids = false;
  bool skip_defaults = false;
};

}  // namespace sluice::cli
