// SPDX-License-Identifier: Apache-2.0
#include "rt/memory_gauge.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::rt {
namespace {

/// A folder in which the kernel says what the test wants it to.
class FakeKernel {
 public:
  FakeKernel() : root_(testing::TempDir() + "sluice-gauge-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(root_);
  }
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;
  ~FakeKernel() { std::filesystem::remove_all(root_); }

  void say(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  std::string root_;
};

TEST(MemoryGauge, ComparesResidentMemoryWithAGivenLimit) {
  const FakeKernel kernel;
  kernel.say("/proc/self/statm", "5000 950 10 1 0 100 0\n");
  MemoryGauge gauge(kernel.root());
  EXPECT_EQ(gauge.level(), MemoryGauge::Level::Ample) << "there is no limit";
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  gauge.set_limit(1050 * page);
  gauge.refresh();
  EXPECT_EQ(gauge.used(), 950 * page);
  EXPECT_EQ(gauge.level(), MemoryGauge::Level::Short);
  gauge.set_limit(960 * page);
  gauge.refresh();
  EXPECT_EQ(gauge.level(), MemoryGauge::Level::Critical);
}

TEST(MemoryGauge, TakesTheLimitOfTheNearestGroupThatHasOne) {
  const FakeKernel kernel;
  kernel.say("/proc/self/cgroup", "0::/slice/service\n");
  kernel.say("/proc/self/statm", "5000 200 10 1 0 100 0\n");
  kernel.say("/sys/fs/cgroup/slice/service/memory.max", "max\n");
  kernel.say("/sys/fs/cgroup/slice/memory.max", "1000000\n");
  kernel.say("/sys/fs/cgroup/slice/memory.current", "920000\n");
  kernel.say("/sys/fs/cgroup/slice/memory.stat",
             "anon 500000\ninactive_file 10000\nactive_file 5000\n"
             "slab_reclaimable 4000\nslab_unreclaimable 300\n");
  MemoryGauge gauge(kernel.root());
  EXPECT_EQ(gauge.limit(), 1'000'000U);
  EXPECT_EQ(gauge.used(), 901'000U) << "neither the page cache nor that of names is ours";
  EXPECT_EQ(gauge.level(), MemoryGauge::Level::Short);
}

TEST(MemoryGauge, FindsItsGroupInAContainerOfTheFirstVersion) {
  const FakeKernel kernel;
  kernel.say("/proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n");
  kernel.say("/proc/self/statm", "5000 200 10 1 0 100 0\n");
  kernel.say("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000\n");
  kernel.say("/sys/fs/cgroup/memory/memory.usage_in_bytes", "400000\n");
  kernel.say("/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 100000\n");
  MemoryGauge gauge(kernel.root());
  EXPECT_EQ(gauge.limit(), 1'000'000U);
  EXPECT_EQ(gauge.used(), 300'000U);
}

TEST(MemoryGauge, CountsItsOwnAloneInAGroupThatOthersFill) {
  const FakeKernel kernel;
  kernel.say("/proc/self/cgroup", "0::/\n");
  kernel.say("/proc/self/statm", "5000 1 1 1 0 1 0\n");
  kernel.say("/sys/fs/cgroup/memory.max", "1000000\n");
  kernel.say("/sys/fs/cgroup/memory.current", "990000\n");
  const MemoryGauge gauge(kernel.root());
  EXPECT_EQ(gauge.used(), static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(gauge.level(), MemoryGauge::Level::Ample);
}

TEST(MemoryGauge, HasNoLimitWhereTheGroupHasNone) {
  const FakeKernel kernel;
  kernel.say("/proc/self/cgroup", "4:memory:/\n");
  kernel.say("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(MemoryGauge(kernel.root()).limit(), 0U);
}

TEST(MemoryGauge, LetsSomebodyTakeUntilItWouldBeCritical) {
  const FakeKernel kernel;
  kernel.say("/proc/self/statm", "2000 500\n");
  MemoryGauge gauge(kernel.root());
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_TRUE(gauge.take(1'000'000 * page, 1000)) << "there is no limit";
  gauge.set_limit(1000 * page);
  EXPECT_TRUE(gauge.take(400 * page, 1010));
  EXPECT_FALSE(gauge.take(450 * page, 1020));
}

TEST(MemoryGauge, CountsWhatWasTakenUntilItAsksAgain) {
  const FakeKernel kernel;
  kernel.say("/proc/self/statm", "2000 945\n");
  MemoryGauge gauge(kernel.root());
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  gauge.set_limit(1000 * page);
  EXPECT_TRUE(gauge.take(4 * page, 1000));
  EXPECT_FALSE(gauge.take(4 * page, 1001)) << "together they are too many";
  EXPECT_TRUE(gauge.take(2 * page, 1002)) << "a hundredth is gone: it asks, and nothing has grown";
  kernel.say("/proc/self/statm", "2000 949\n");
  EXPECT_FALSE(gauge.take(2 * page, 1012)) << "what it knew is old: it asks";
}

}  // namespace
}  // namespace sluice::rt
