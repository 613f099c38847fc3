// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/error.h"

namespace sluice::process {

/// The file with the number of the process that signals go to. It stays locked while the object lives, so that a
/// second start on the same folder fails, and a file that a crash left behind is no hindrance.
class PidFile {
 public:
  /// Writes the calling process's number. Fails when a living process holds the file; the error names its number.
  static Result<PidFile> claim(std::string path);

  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&&) = delete;
  /// Removes the file.
  ~PidFile();

 private:
  PidFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
};

}  // namespace sluice::process
