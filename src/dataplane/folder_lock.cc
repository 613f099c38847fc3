// SPDX-License-Identifier: Apache-2.0
#include "dataplane/folder_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>

namespace sluice::dataplane {

Result<> FolderLock::take() {
  if (is_held()) return {};
  const std::string name = folder_ + "/lock";
  Descriptor opened(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!opened.is_open()) return system_failure("open", name);
  if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_failure("lock", name);
    return fail(Errc::Conflict, folder_ + ": another process writes there", Blame::System);
  }
  file_ = std::move(opened);
  return {};
}

}  // namespace sluice::dataplane
