// SPDX-License-Identifier: Apache-2.0
#include "apps/process/hardening.h"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::process {
namespace {

/// Runs `body` in a process that is given up afterwards: what hardening takes does not come back. Its exit code, or
/// minus the signal.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

constexpr int kSkip = 77;

TEST(Hardening, TheFilterRefusesWhatAGatewayNeverAsksFor) {
  const int code = in_child([] {
    if (!refuse_system_calls()) return kSkip;
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != -1 || errno != EPERM) return 1;
    if (::setuid(::getuid()) != -1 || errno != EPERM) return 2;
    if (::fork() != -1 || errno != EPERM) return 3;
    bool ran = false;
    std::thread([&ran] { ran = true; }).join();
    return ran ? 0 : 4;
  });
  if (code == kSkip) GTEST_SKIP() << "no filter here";
  EXPECT_EQ(code, 0);
}

TEST(Hardening, TheFilterKillsWhoeverRunsAProgram) {
  const int code = in_child([] {
    if (!refuse_system_calls()) return kSkip;
    ::execl("/bin/true", "true", nullptr);
    return 1;
  });
  if (code == kSkip) GTEST_SKIP() << "no filter here";
  EXPECT_EQ(code, -SIGSYS);
}

TEST(Hardening, ConfinedProcessesOpenOnlyWhatTheyWereGiven) {
  const std::string own = testing::TempDir();
  const int code = in_child([&] {
    if (!confine_to_files({.readable = {"/usr"}, .writable = {own}})) return kSkip;
    if (::open("/etc/passwd", O_RDONLY) != -1 || errno != EACCES) return 1;
    if (::open("/usr/new", O_WRONLY | O_CREAT, 0600) != -1 || errno != EACCES) return 2;
    const std::string path = own + "/sluice-confined-" + std::to_string(::getpid());
    if (::open(path.c_str(), O_WRONLY | O_CREAT, 0600) < 0) return 3;
    ::unlink(path.c_str());
    return ::open("/usr", O_RDONLY | O_DIRECTORY) < 0 ? 4 : 0;
  });
  if (code == kSkip) GTEST_SKIP() << "no Landlock here";
  EXPECT_EQ(code, 0);
}

TEST(Hardening, AFileOpensItsFolderAndOneThatLinksLeadTo) {
  const std::string folder = testing::TempDir() + "sluice-named-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder + "/real");
  std::ofstream(folder + "/real/file") << "x";
  std::filesystem::create_symlink("real/file", folder + "/link");
  EXPECT_EQ(folders_of_file(folder + "/link"), (std::vector<std::string>{folder, folder + "/real"}));
  std::filesystem::remove_all(folder);
}

TEST(Hardening, AWordThatNamesNoFileOpensNothing) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path("/");
  EXPECT_TRUE(folders_of_file("system").empty());
  EXPECT_TRUE(folders_of_file("MIIBszCCAVmgAwIBAgIU").empty());
  EXPECT_TRUE(folders_of_file("").empty());
  EXPECT_TRUE(folders_of_file("etc").empty());  // a folder
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace sluice::process
