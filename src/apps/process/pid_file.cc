// SPDX-License-Identifier: Apache-2.0
#include "apps/process/pid_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"

namespace sluice::process {

namespace {

/// Whether the name still leads to the file that is open: whoever held the lock before removes the file when it ends.
bool is_at(const std::string& path, int fd) {
  struct stat open{};
  struct stat named{};
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

std::string content(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
  return std::string(trim(std::string_view(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0)));
}

}  // namespace

std::optional<pid_t> PidFile::holder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return std::nullopt;
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0;
  const auto number = parse_int<pid_t>(content(fd));
  ::close(fd);
  return held && number && *number > 0 ? std::optional(*number) : std::nullopt;
}

Result<PidFile> PidFile::claim(std::string path) {
  for (;;) {
    // Not inherited across exec: the lock must not outlive this process in a child.
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) return fail(Errc::Io, "cannot write " + path + ": " + std::strerror(errno), Blame::System);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const std::string number = content(fd);
      ::close(fd);
      return fail(Errc::Unavailable, "already running with process id " + number + " (" + path + ")", Blame::System);
    }
    if (!is_at(path, fd)) {  // locked, but gone: the next one would lock another file of the name
      ::close(fd);
      continue;
    }
    PidFile file(std::move(path), fd);
    const std::string number = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, number.data(), number.size(), 0) < 0) {
      return fail(Errc::Io, "cannot write " + file.path_ + ": " + std::strerror(errno), Blame::System);
    }
    return file;
  }
}

PidFile::PidFile(PidFile&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {
  other.path_.clear();
}

PidFile::~PidFile() {
  if (fd_ < 0) return;
  if (!path_.empty()) ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace sluice::process
