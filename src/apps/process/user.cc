// SPDX-License-Identifier: Apache-2.0
#include "apps/process/user.h"

#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace sluice::process {
namespace {

auto failed(const std::string& what) {
  return fail(Errc::Io, what + ": " + std::strerror(errno), Blame::System);
}

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

Result<User> find_user(std::string_view user_and_group) {
  const std::size_t blank = user_and_group.find(' ');
  User user{.name = std::string(user_and_group.substr(0, blank))};
  const passwd* entry = ::getpwnam(user.name.c_str());
  if (entry == nullptr) return fail(Errc::NotFound, "no such user: " + user.name);
  user.uid = entry->pw_uid;
  user.gid = entry->pw_gid;
  if (blank != std::string_view::npos) {
    const std::string name(user_and_group.substr(user_and_group.find_first_not_of(' ', blank)));
    const group* found = ::getgrnam(name.c_str());
    if (found == nullptr) return fail(Errc::NotFound, "no such group: " + name);
    user.gid = found->gr_gid;
  }
  return user;
}

/// A file with several names may be somebody else's, linked to from here.
void give_file(int folder, const char* name, const User& user) {
  const int fd = ::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  struct stat status{};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == 0) {
    [[maybe_unused]] auto given = ::fchownat(fd, "", user.uid, user.gid, AT_EMPTY_PATH);
  }
  ::close(fd);
}

/// Closes `fd`.
void give_folder(int fd, const User& user) {
  struct stat status{};
  if (::fstat(fd, &status) == 0 && status.st_uid == 0) {
    [[maybe_unused]] auto given = ::fchown(fd, user.uid, user.gid);
  }
  DIR* entries = ::fdopendir(fd);
  if (entries == nullptr) {
    ::close(fd);
    return;
  }
  while (const dirent* entry = ::readdir(entries)) give_file(fd, entry->d_name, user);
  ::closedir(entries);
}

}  // namespace

Result<> become_user(std::string_view user_and_group) {
  TRY(User user, find_user(user_and_group));
  if (::initgroups(user.name.c_str(), user.gid) != 0) return failed("initgroups");
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return failed("setresgid");
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return failed("setresuid");
  return {};
}

Result<> give_to_user(const std::string& parent, std::span<const std::string> folders,
                      std::string_view user_and_group) {
  TRY(User user, find_user(user_and_group));
  const int above = ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (above < 0) return failed(parent);
  for (const std::string& folder : folders) {
    const int fd = ::openat(above, folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
      give_folder(fd, user);
    } else if (errno != ENOENT) {
      log::warn("hardening.folder_not_given", {{"folder", folder}, {"error", std::strerror(errno)}});
    }
  }
  ::close(above);
  return {};
}

}  // namespace sluice::process
