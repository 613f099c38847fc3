// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace sluice::process {

/// Writes an anonymous file in memory, to hand it to another process.
class MemoryWriter {
 public:
  static Result<MemoryWriter> make(const char* name);
  MemoryWriter(MemoryWriter&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), pending_(std::move(other.pending_)) {}
  ~MemoryWriter();

  Result<> append(std::string_view text);
  /// Nobody can change the file from then on. The descriptor, closed on exec, is the caller's.
  Result<int> finish();

 private:
  explicit MemoryWriter(int fd) : fd_(fd) {}
  Result<> flush();

  int fd_;
  std::string pending_;
};

/// The same for one text.
Result<int> memory_file(const char* name, std::string_view text);

/// The whole content of a descriptor, from its beginning.
Result<std::string> read_whole(int fd);

/// Lets a descriptor survive exec, or no longer.
void keep_on_exec(int fd, bool keep);

}  // namespace sluice::process
