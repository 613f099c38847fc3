// SPDX-License-Identifier: Apache-2.0
#include "apps/process/user.h"

#include <array>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/process/replace_file.h"
#include "base/log.h"

namespace sluice::process {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for each test.
class Folder : public testing::Test {
 protected:
  Folder()
      : path(testing::TempDir() + "sluice-folder-" + std::to_string(::getpid()) + "-" +
             testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::create_directories(path);
  }
  ~Folder() override { fs::remove_all(path); }

  void put(const std::string& name, std::string_view text) const { std::ofstream(path + "/" + name) << text; }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream in(path + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] uid_t owner(const std::string& name) const {
    struct stat status{};
    return ::lstat((path + "/" + name).c_str(), &status) == 0 ? status.st_uid : static_cast<uid_t>(-1);
  }

  const std::string path;
};

using GiveToUser = Folder;
using ReplaceFile = Folder;

TEST(BecomeUser, UnknownUsersAndGroupsAreNamed) {
  EXPECT_EQ(become_user("no-such-user").error().what, "no such user: no-such-user");
  EXPECT_EQ(become_user("root no-such-group").error().what, "no such group: no-such-group");
}

TEST_F(GiveToUser, GivesTheNamedFoldersAndTheirFilesButNothingElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give";
  for (const char* folder : {"/logs", "/pids"}) fs::create_directory(path + folder);
  for (const char* file : {"logs/log", "pids/pid", "top", "outside"}) put(file, "x");
  fs::create_symlink("../outside", path + "/logs/link");
  fs::create_hard_link(path + "/outside", path + "/logs/hard");
  const std::array<std::string, 2> folders = {"logs", "missing"};
  ASSERT_TRUE(give_to_user(path, folders, "nobody"));
  EXPECT_NE(owner("logs"), 0U);
  EXPECT_NE(owner("logs/log"), 0U);
  for (const char* kept : {"", "top", "outside", "pids", "pids/pid", "logs/link"}) EXPECT_EQ(owner(kept), 0U) << kept;
}

TEST_F(GiveToUser, DoesNotFollowAFolderThatIsALink) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give";
  fs::create_directory(path + "/elsewhere");
  fs::create_directory_symlink("elsewhere", path + "/logs");
  const log::Capture capture;
  const std::array<std::string, 1> folders = {"logs"};
  ASSERT_TRUE(give_to_user(path, folders, "nobody"));
  EXPECT_EQ(owner("elsewhere"), 0U);
  EXPECT_NE(capture.text().find("hardening.folder_not_given"), std::string::npos);
}

TEST_F(ReplaceFile, ReplacesALinkAndNotWhatItLeadsTo) {
  fs::create_directory(path + "/ssl");
  put("precious", "as it was");
  fs::create_symlink("../precious", path + "/ssl/key");
  fs::create_symlink("../precious", path + "/ssl/.key.new");
  ASSERT_TRUE(replace_file(path, "ssl/key", "new", 0600));
  EXPECT_EQ(text("precious"), "as it was");
  EXPECT_EQ(text("ssl/key"), "new");
  EXPECT_FALSE(fs::is_symlink(path + "/ssl/key"));
}

TEST_F(ReplaceFile, RefusesAFolderThatIsALink) {
  fs::create_directory(path + "/elsewhere");
  fs::create_directory_symlink("elsewhere", path + "/ssl");
  EXPECT_FALSE(replace_file(path, "ssl/key", "new", 0600));
  EXPECT_TRUE(fs::is_empty(path + "/elsewhere"));
}

TEST_F(ReplaceFile, WritesBelowTheParentItself) {
  ASSERT_TRUE(replace_file(path, "node.id", "one", 0644));
  ASSERT_TRUE(replace_file(path, "node.id", "two", 0644));
  EXPECT_EQ(text("node.id"), "two");
}

}  // namespace
}  // namespace sluice::process
