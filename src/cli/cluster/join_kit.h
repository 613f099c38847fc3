// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sluice::cli {

/// What runs the data plane.
enum class Host : std::uint8_t { Docker, Shell, Systemd, Kubernetes };

/// All that a data plane needs in order to join.
struct JoinTerms {
  std::string address;          // host:port of the control plane's cluster endpoint
  std::string mtls = "shared";  // or "pki"
  std::string server_name;      // with pki; empty: the host of the address
  std::string certificate;      // PEM
  std::string key;              // PEM
  std::string authority;        // PEM of who vouches for the control plane; empty: the system's
  std::vector<std::pair<std::string, std::string>> labels = {};
  std::string image = "sluice:latest";     // docker, kubernetes
  std::string space = "default";           // namespace of Kubernetes
  std::string name = "sluice-data-plane";  // of the container, the deployment, the folder
};

/// Files of one folder, and the commands that are to be run there.
struct JoinKit {
  struct File {
    std::string name;
    std::string text;
  };
  std::string title;
  std::string folder;
  std::vector<File> files;
  std::string commands;
};

/// Errc::Invalid when a value has no place in a command line or a settings file.
Result<JoinKit> make_join_kit(Host host, const JoinTerms& terms);

/// Everything as one text that is pasted into a shell, which is afterwards as it was before: makes the folder and its
/// files, then runs the commands.
[[nodiscard]] std::string paste_text(const JoinKit& kit);
/// The commands as a script that stands in the folder beside the files.
[[nodiscard]] std::string script_text(const JoinKit& kit);

}  // namespace sluice::cli
