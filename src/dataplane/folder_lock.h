// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "base/error.h"
#include "dataplane/record_file.h"

namespace sluice::dataplane {

/// Keeps a folder to one process at a time, as while a program is replaced and two of them run. The kernel gives it
/// back when the process ends, however it ends.
class FolderLock {
 public:
  explicit FolderLock(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] bool is_held() const { return file_.is_open(); }
  /// Does not wait. Errc::Conflict: another process has it.
  Result<> take();
  void release() { file_ = Descriptor(); }

 private:
  std::string folder_;
  Descriptor file_;
};

}  // namespace sluice::dataplane
