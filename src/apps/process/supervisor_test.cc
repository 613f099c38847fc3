// SPDX-License-Identifier: Apache-2.0
#include "apps/process/supervisor.h"

#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/process/estate.h"
#include "apps/process/memory_file.h"
#include "apps/process/pid_file.h"

namespace sluice::process {
namespace {

TEST(Backoff, StartsTheFirstReplacementAtOnceAndLaterOnesEverLater) {
  Backoff backoff;
  EXPECT_EQ(backoff.after_death(Millis{5}), Millis{0});
  EXPECT_EQ(backoff.after_death(Millis{5}), Millis{100});
  EXPECT_EQ(backoff.after_death(Millis{5}), Millis{200});
  for (int i = 0; i < 100; ++i) backoff.after_death(Millis{5});
  EXPECT_EQ(backoff.after_death(Millis{5}), Backoff::kMost);
}

TEST(Backoff, ForgetsOnceAWorkerHasLivedForAWhile) {
  Backoff backoff;
  for (int i = 0; i < 5; ++i) backoff.after_death(Millis{5});
  EXPECT_EQ(backoff.after_death(Backoff::kSettled), Millis{0});
  EXPECT_EQ(backoff.deaths(), 1U);
}

TEST(Link, CarriesNoticesAndDescriptors) {
  auto ends = Link::make();
  ASSERT_TRUE(ends);
  auto file = memory_file("test", "content");
  ASSERT_TRUE(file);
  EXPECT_TRUE(ends->second.send(Notice::Ready));
  EXPECT_TRUE(ends->second.send(Notice::Keepsake, *file));
  ::close(*file);
  bool gone = false;
  EXPECT_EQ(ends->first.receive(gone)->notice, Notice::Ready);
  auto keepsake = ends->first.receive(gone);
  ASSERT_TRUE(keepsake);
  EXPECT_EQ(keepsake->notice, Notice::Keepsake);
  EXPECT_EQ(read_whole(keepsake->descriptor).value_or(""), "content");
  ::close(keepsake->descriptor);
  EXPECT_FALSE(ends->first.receive(gone));
  EXPECT_FALSE(gone);
}

TEST(Link, TellsThatTheOtherSideHasGone) {
  auto ends = Link::make();
  ASSERT_TRUE(ends);
  ends->second.close();
  bool gone = false;
  EXPECT_FALSE(ends->first.receive(gone));
  EXPECT_TRUE(gone);
  EXPECT_FALSE(ends->first.send(Notice::Alive));
}

TEST(Link, WaitsForAReaderThatIsSlow) {
  auto ends = Link::make();
  ASSERT_TRUE(ends);
  constexpr int kMany = 5'000;  // more than the socket holds
  std::thread writer([&] {
    for (int i = 0; i < kMany; ++i) EXPECT_TRUE(ends->second.send_patiently(Notice::Alive));
    ends->second.close();
  });
  int read = 0;
  while (ends->first.wait()) ++read;
  writer.join();
  EXPECT_EQ(read, kMany);
}

TEST(Estate, IsReadAsItWasWritten) {
  Estate estate;
  estate.worker = 4711;
  estate.link = 7;
  estate.keepsake = -1;
  estate.orders = 9;
  estate.sockets = {11, 12};
  estate.leaving = {{4710, 13, 2500}, {4709, -1, 0}};
  estate.pid_file = 5;
  auto written = estate.write();
  ASSERT_TRUE(written);
  const auto read = Estate::read(*written);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->worker, 4711);
  EXPECT_EQ(read->keepsake, -1);
  EXPECT_EQ(read->sockets, (std::vector<int>{11, 12}));
  ASSERT_EQ(read->leaving.size(), 2U);
  EXPECT_EQ(read->leaving[0].kill_in_ms, 2500);
  EXPECT_EQ(read->descriptors(), (std::vector<int>{11, 12, 7, 9, 5, 13}));
}

TEST(Estate, WithoutOrdersIsNone) {
  auto written = Estate{}.write();
  ASSERT_TRUE(written);
  EXPECT_FALSE(Estate::read(*written));
}

TEST(Estate, MayBeWithoutAWorkerThatHasDied) {
  Estate estate;
  estate.orders = 9;
  auto written = estate.write();
  ASSERT_TRUE(written);
  const auto read = Estate::read(*written);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->worker, 0);
  EXPECT_EQ(read->descriptors(), std::vector<int>{9});
}

TEST(Supervisor, StartsAWorkerWhereThePreviousProgramLeftNoneAndTriesUntilItCan) {
  const pid_t child = ::fork();
  if (child == 0) {
    block_signals();
    int attempts = 0;
    Duty duty;
    duty.prepare = [&attempts](int, int) -> Result<WorkerStart> {
      if (++attempts == 2) ::kill(::getpid(), SIGTERM);
      return fail(Errc::Io, "not now", Blame::System);
    };
    duty.close_listeners = [] {};
    Estate estate;
    estate.orders = 0;
    const int code = Supervisor(duty, estate).run();
    ::_exit(code == 0 && attempts == 2 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(MemoryFile, CannotBeChangedAnyMore) {
  auto file = memory_file("test", std::string(200'000, 'x'));
  ASSERT_TRUE(file);
  EXPECT_EQ(read_whole(*file)->size(), 200'000U);
  EXPECT_LT(::write(*file, "y", 1), 0);
  EXPECT_NE(::ftruncate(*file, 0), 0);
  ::close(*file);
}

TEST(PidFile, HoldsTheNumberWhileItLivesAndKeepsASecondOneOut) {
  const std::string path = testing::TempDir() + "sluice-pid-" + std::to_string(::getpid());
  {
    auto first = PidFile::claim(path);
    ASSERT_TRUE(first) << first.error().what;
    auto second = PidFile::claim(path);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().what.find(std::to_string(::getpid())), std::string::npos) << second.error().what;
    EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(PidFile, TellsWhoHoldsIt) {
  const std::string path = testing::TempDir() + "sluice-held-pid-" + std::to_string(::getpid());
  EXPECT_FALSE(PidFile::holder(path));
  auto file = PidFile::claim(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(PidFile::holder(path), ::getpid());
}

TEST(PidFile, StaysHeldByWhoeverInheritsItsDescriptor) {
  const std::string path = testing::TempDir() + "sluice-inherited-pid-" + std::to_string(::getpid());
  auto file = PidFile::claim(path);
  ASSERT_TRUE(file);
  {
    const PidFile heir = PidFile::inherited(path, ::dup(file->descriptor()));
    EXPECT_FALSE(PidFile::claim(path));
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the heir removes it";
}

TEST(PidFile, TakesOverAFileThatACrashLeftBehind) {
  const std::string path = testing::TempDir() + "sluice-stale-pid-" + std::to_string(::getpid());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0644);
  ASSERT_EQ(::write(fd, "1\n", 2), 2);
  ::close(fd);
  EXPECT_TRUE(PidFile::claim(path));
}

TEST(PidFile, IsWhereItsNameSaysHoweverManyComeAndGo) {
  const std::string path = testing::TempDir() + "sluice-busy-pid-" + std::to_string(::getpid());
  std::atomic<int> lost{0};
  auto come_and_go = [&] {
    for (int i = 0; i < 2'000; ++i) {
      const auto claimed = PidFile::claim(path);
      if (claimed && ::access(path.c_str(), F_OK) != 0) ++lost;
    }
  };
  std::thread other(come_and_go);
  come_and_go();
  other.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace sluice::process
