// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

#include "base/error.h"

namespace sluice::process {

/// The file with the number of the process that signals go to. It stays locked while the object lives, so that a
/// second start on the same folder fails, and a file that a crash left behind is no hindrance.
class PidFile {
 public:
  /// Writes the calling process's number. Fails when a living process holds the file; the error names its number.
  static Result<PidFile> claim(std::string path);

  /// The file that a program held which has become this one by exec: `fd` is its descriptor, and the lock came with it.
  static PidFile inherited(std::string path, int fd) { return {std::move(path), fd}; }
  /// Who holds the file; nothing: nobody does.
  static std::optional<pid_t> holder(const std::string& path);

  /// To be inherited. Valid while the object lives.
  [[nodiscard]] int descriptor() const { return fd_; }

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
