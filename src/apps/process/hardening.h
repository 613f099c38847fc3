// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace sluice::process {

/// The parts of the file system that a worker needs; whatever does not exist is passed over. A folder stands for all
/// below it.
struct FileAccess {
  std::vector<std::string> readable;
  std::vector<std::string> writable;  // and readable
};

/// The folder that an existing file stands in, so that the file may be replaced by another, and the one that links lead
/// to; the file itself where that is the root folder, since that would open everything. Nothing when `path` is no file:
/// settings also take PEM texts, base64 and words.
std::vector<std::string> folders_of_file(const std::string& path);

/// What a worker gives up before it touches anything from outside. Each is on unless a setting says otherwise.
struct Hardening {
  bool no_new_privileges = true;
  bool drop_capabilities = true;
  bool core_dumps = false;
  bool seccomp = true;
  bool landlock = true;
  FileAccess files;
};

/// Gives it up, for good. To be called before any thread is started, since some of it applies to the calling thread and
/// those that it starts. Where the kernel does not offer something, one line in the log says so and the rest is done.
void harden(const Hardening& hardening);

/// Programs that this process executes later do not inherit what a service manager granted to it.
void drop_ambient_capabilities();
/// Loads the filter that refuses what a gateway never asks of the kernel (seccomp.cc), for all threads.
Result<> refuse_system_calls();
/// Confines this thread, and those it starts, to `access` (landlock.cc).
Result<> confine_to_files(const FileAccess& access);

}  // namespace sluice::process
