// SPDX-License-Identifier: Apache-2.0
#include "apps/process/memory_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::process {
namespace {

auto failed(const char* call) {
  return fail(Errc::Io, std::string(call) + ": " + std::strerror(errno), Blame::System);
}

}  // namespace

Result<MemoryWriter> MemoryWriter::make(const char* name) {
  const int fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return failed("memfd_create");
  return MemoryWriter(fd);
}

MemoryWriter::~MemoryWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Result<> MemoryWriter::append(std::string_view text) {
  constexpr std::size_t kBlock = std::size_t{64} << 10U;
  pending_ += text;
  return pending_.size() < kBlock ? Result<>{} : flush();
}

Result<> MemoryWriter::flush() {
  std::string_view left = pending_;
  while (!left.empty()) {
    const ssize_t n = ::write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed("write to memory");
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  pending_.clear();
  return {};
}

Result<int> MemoryWriter::finish() {
  TRY(flush());
  ::fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return std::exchange(fd_, -1);
}

Result<int> memory_file(const char* name, std::string_view text) {
  TRY(auto file, MemoryWriter::make(name));
  TRY(file.append(text));
  return file.finish();
}

Result<std::string> read_whole(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return failed("fstat");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read from memory");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  text.resize(done);
  return text;
}

void keep_on_exec(int fd, bool keep) {
  ::fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

}  // namespace sluice::process
