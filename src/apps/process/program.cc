// SPDX-License-Identifier: Apache-2.0
#include "apps/process/program.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"

namespace sluice::process {
namespace {

/// Whether the path leads to the program that runs.
bool is_ours(const std::string& path) {
  struct stat named{};
  struct stat running{};
  return ::stat(path.c_str(), &named) == 0 && ::stat("/proc/self/exe", &running) == 0 &&
         named.st_ino == running.st_ino && named.st_dev == running.st_dev;
}

std::string link_of_kernel() {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink("/proc/self/exe", target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

std::string path_of_program() {
  const std::string name = ::program_invocation_name;
  std::string path;
  if (name.starts_with('/')) {
    path = name;
  } else if (name.contains('/')) {
    std::array<char, PATH_MAX> folder{};
    if (::getcwd(folder.data(), folder.size()) != nullptr) path = std::string(folder.data()) + "/" + name;
  } else if (const char* folders = std::getenv("PATH")) {
    for (const std::string_view folder : split(folders, ':')) {
      path = std::string(folder) + "/" + name;
      if (is_ours(path)) break;
    }
  }
  return path.starts_with('/') && is_ours(path) ? path : link_of_kernel();
}

}  // namespace sluice::process
