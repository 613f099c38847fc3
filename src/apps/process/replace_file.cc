// SPDX-License-Identifier: Apache-2.0
#include "apps/process/replace_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::process {
namespace {

/// Closed at the end of the block.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  [[nodiscard]] int get() const { return fd_; }
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

}  // namespace

Result<> replace_file(const std::string& parent, const std::string& path, std::string_view text, mode_t mode) {
  auto failed = [&] {
    return fail(Errc::Io, "cannot write " + parent + "/" + path + ": " + std::strerror(errno), Blame::System);
  };
  const std::size_t slash = path.find('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string draft = "." + name + ".new";

  const Descriptor above(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (above.get() < 0) return failed();
  const Descriptor in(::openat(above.get(), folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (in.get() < 0) return failed();
  ::unlinkat(in.get(), draft.c_str(), 0);  // of somebody who was interrupted
  // Made with its final permissions: a key must not be readable for the moment until chmod.
  Descriptor file(::openat(in.get(), draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (file.get() < 0) return failed();
  const bool whole = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (whole && file.close() && ::renameat(in.get(), draft.c_str(), in.get(), name.c_str()) == 0) return {};
  auto failure = failed();
  ::unlinkat(in.get(), draft.c_str(), 0);
  return failure;
}

}  // namespace sluice::process
