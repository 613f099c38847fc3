// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apps/process/hardening.h"

namespace sluice::process {
namespace {

// Debian's headers know the second version of the interface; the kernel tells how much of this it understands.
constexpr std::uint64_t kExecute = 1U << 0U;
constexpr std::uint64_t kWriteFile = 1U << 1U;
constexpr std::uint64_t kReadFile = 1U << 2U;
constexpr std::uint64_t kReadFolder = 1U << 3U;
constexpr std::uint64_t kFirstVersion = (1U << 13U) - 1;
constexpr std::uint64_t kRefer = 1U << 13U;     // 2: move between folders
constexpr std::uint64_t kTruncate = 1U << 14U;  // 3
constexpr std::uint64_t kBindTcp = 1U << 0U;    // 4

struct Attributes {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
};

constexpr std::uint64_t kReading = kReadFile | kReadFolder;
constexpr std::uint64_t kOnFiles = kExecute | kWriteFile | kReadFile | kTruncate;

auto failed(const char* call) {
  return fail(Errc::Unsupported, std::string(call) + ": " + std::strerror(errno), Blame::System);
}

void allow(int rules, const std::string& path, std::uint64_t rights) {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return;  // what does not exist needs no right
  struct stat status{};
  if (::fstat(fd, &status) == 0) {
    landlock_path_beneath_attr rule{};
    rule.allowed_access = S_ISDIR(status.st_mode) ? rights : rights & kOnFiles;
    rule.parent_fd = fd;
    // Fails for pipes and sockets, which are not confined anyway.
    ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  ::close(fd);
}

/// `path` is absolute.
std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == 0 ? path : path.substr(0, slash);
}

}  // namespace

std::vector<std::string> folders_of_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};
  const std::filesystem::path named = std::filesystem::absolute(path, error).lexically_normal();
  const std::filesystem::path real = error ? named : std::filesystem::canonical(path, error);
  if (error) return {};
  return {folder_of(named), folder_of(real)};
}

Result<> confine_to_files(const FileAccess& access) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return failed("landlock");
  Attributes attributes;
  attributes.files = kFirstVersion;
  if (version >= 2) attributes.files |= kRefer;
  if (version >= 3) attributes.files |= kTruncate;
  if (version >= 4) attributes.network = kBindTcp;  // without a rule: no new listener, whoever gives the orders
  const std::size_t size = version >= 4 ? sizeof attributes : sizeof attributes.files;
  const auto rules = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0));
  if (rules < 0) return failed("landlock_create_ruleset");
  for (const std::string& path : access.readable) allow(rules, path, kReading);
  for (const std::string& path : access.writable) allow(rules, path, attributes.files & ~kExecute);
  const bool confined =
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  auto outcome = confined ? Result<>{} : Result<>(failed("landlock_restrict_self"));
  ::close(rules);
  return outcome;
}

}  // namespace sluice::process
