// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sluice::process {

/// The parts of the file system that a worker needs; whatever does not exist is passed over. A folder stands for all
/// below it.
struct FileAccess {
  std::vector<std::string> readable;
  std::vector<std::string> writable;  // and readable
};

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

/// Becomes another user, and group when one follows after a blank. Only root can; others fail.
Result<> become_user(std::string_view user_and_group);

/// Makes everything below `folder` that belongs to root belong to that user, so that the worker can go on writing it.
/// Links are not followed, files with several names are left alone.
Result<> give_to_user(const std::string& folder, std::string_view user_and_group);

/// Loads the filter that refuses what a gateway never asks of the kernel (seccomp.cc), for all threads.
Result<> refuse_system_calls();
/// Confines this thread, and those it starts, to `access` (landlock.cc).
Result<> confine_to_files(const FileAccess& access);

}  // namespace sluice::process
