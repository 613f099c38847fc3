// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace sluice::rt {

/// How much of the memory that it may have the process has taken. What it may have is a given limit, which its resident
/// memory is compared with, or else that of its control group, which is compared with what the group uses (buffers of
/// sockets too) without what the kernel would give back (the page cache, names of files); where most of that is other
/// processes', only our own counts. One per node; somebody refreshes it, everybody reads the level.
class MemoryGauge {
 public:
  /// How scarce it is; each level includes the ones before.
  enum class Level : std::uint8_t {
    Ample,
    Short,     // from 90 % on: nothing new is begun
    Critical,  // from 95 % on: nothing that grows goes on
  };

  /// Where the kernel tells; tests have a folder of their own.
  explicit MemoryGauge(const std::string& root = "");
  MemoryGauge(const MemoryGauge&) = delete;
  MemoryGauge& operator=(const MemoryGauge&) = delete;
  ~MemoryGauge();

  /// In octets; 0: that of the control group, if there is one. Thread-safe, as all that follows.
  void set_limit(std::uint64_t octets) { own_limit_.store(octets, std::memory_order_relaxed); }
  /// Asks the kernel, in a few microseconds.
  void refresh();
  /// Whether somebody may take that many octets more at `now_ms` (monotonic) and it is not critical then. Those taken
  /// since the kernel was asked count by what was said here; it is asked again when that is old, or much.
  [[nodiscard]] bool take(std::uint64_t octets, std::int64_t now_ms);

  [[nodiscard]] Level level() const { return level_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  /// 0: there is none.
  [[nodiscard]] std::uint64_t limit() const;

 private:
  struct Group {
    int usage = -1;  // descriptors of its files
    int stat = -1;
    std::uint64_t limit = 0;  // 0: none
  };
  void find_group(const std::string& root);
  bool open_group(const std::string& folder, bool second);
  [[nodiscard]] std::uint64_t read_used() const;

  int resident_ = -1;  // descriptor of /proc/self/statm
  Group group_;
  std::atomic<std::uint64_t> own_limit_{0};
  std::atomic<std::uint64_t> used_{0};
  std::atomic<Level> level_{Level::Ample};
  std::atomic<std::uint64_t> taken_{0};  // since take() has asked
  std::atomic<std::int64_t> asked_ms_{0};
};

}  // namespace sluice::rt
