// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/cluster/platform.h"

namespace sluice::cli {

/// What the command line says to `dp join`.
struct JoinArguments {
  PlatformArguments platform;
  std::string host;  // docker, systemd, kubernetes
  std::string address;
  std::string server_name;
  std::string mtls;  // empty: pki with a new certificate, else shared
  std::string certificate_file;
  std::string key_file;
  std::string authority_file;
  bool new_certificate = false;
  int days = 1095;
  std::vector<std::string> labels;  // "key:value"
  std::string image = "sluice:latest";
  std::string space = "default";
  std::string name = "sluice-data-plane";
  std::string folder;  // empty: everything to standard output
};

/// What the command line says to `dp unpin`.
struct UnpinArguments {
  PlatformArguments platform;
  std::string certificate;  // its id at the control plane
};

/// Takes back what `dp join --new-certificate` has pinned: data planes that show it are cut off.
Result<int> unpin_certificate(const UnpinArguments& arguments);

/// Prints what is to be pasted on a machine so that a data plane on it joins, or writes it into a folder.
Result<int> join_data_plane(const JoinArguments& arguments);

}  // namespace sluice::cli
