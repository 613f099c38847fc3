// SPDX-License-Identifier: Apache-2.0
#include "rt/memory_gauge.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "base/strings.h"

namespace sluice::rt {
namespace {

constexpr unsigned kShortPercent = 90;
constexpr unsigned kCriticalPercent = 95;
/// Of the limit: when so much was taken, what the kernel last said is no longer true.
constexpr unsigned kTakenPercent = 1;
constexpr std::int64_t kFreshMs = 10;
/// What the first version of control groups says when there is no limit, give or take a page.
constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 60U;

/// The beginning of a small file that the kernel makes up.
std::string content(int fd) {
  std::array<char, 4096> text{};
  const ssize_t size = fd < 0 ? 0 : ::pread(fd, text.data(), text.size(), 0);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::uint64_t number(std::string_view text) {
  return parse_int<std::uint64_t>(trim(text)).value_or(0);
}

std::uint64_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return number(text);  // "max" is no number
}

/// Of the lines `name value`.
std::uint64_t member(const std::string& stat, std::string_view name) {
  for (const std::string_view line : split(stat, '\n')) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(' ')) return number(line.substr(name.size()));
  }
  return 0;
}

}  // namespace

MemoryGauge::MemoryGauge(const std::string& root) {
  resident_ = ::open((root + "/proc/self/statm").c_str(), O_RDONLY | O_CLOEXEC);
  find_group(root);
  refresh();
}

MemoryGauge::~MemoryGauge() {
  for (const int fd : {resident_, group_.usage, group_.stat}) {
    if (fd >= 0) ::close(fd);
  }
}

/// The nearest group above the process that has a limit. In a container the path may be the host's, which does not
/// exist there: then what is mounted is the group itself.
void MemoryGauge::find_group(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t controllers = line.find(':');  // number:controllers:path
    const std::size_t path_begin = controllers == line.npos ? line.npos : line.find(':', controllers + 1);
    if (path_begin == line.npos) continue;
    const std::string_view kind = std::string_view(line).substr(controllers + 1, path_begin - controllers - 1);
    const bool second = kind.empty();
    if (!second && kind != "memory") continue;
    const std::string mount = root + "/sys/fs/cgroup" + (second ? "" : "/memory");
    for (std::string path = line.substr(path_begin + 1); !path.empty() && path != "/";
         path.resize(path.find_last_of('/'))) {
      if (open_group(mount + path, second)) return;
    }
    if (open_group(mount, second)) return;
  }
}

bool MemoryGauge::open_group(const std::string& folder, bool second) {
  const std::uint64_t limit = number_in(folder + (second ? "/memory.max" : "/memory.limit_in_bytes"));
  if (limit == 0 || limit >= kUnlimited) return false;
  const int usage =
      ::open((folder + (second ? "/memory.current" : "/memory.usage_in_bytes")).c_str(), O_RDONLY | O_CLOEXEC);
  if (usage < 0) return false;
  group_ = {usage, ::open((folder + "/memory.stat").c_str(), O_RDONLY | O_CLOEXEC), limit};
  return true;
}

std::uint64_t MemoryGauge::limit() const {
  const std::uint64_t own = own_limit_.load(std::memory_order_relaxed);
  return own != 0 ? own : group_.limit;
}

std::uint64_t MemoryGauge::read_used() const {
  const std::string sizes = content(resident_);  // in pages: "whole resident ..."
  const std::size_t blank = std::min(sizes.find(' '), sizes.size());
  const std::string_view pages = trim(std::string_view(sizes).substr(blank));
  const std::uint64_t resident =
      number(pages.substr(0, pages.find(' '))) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (own_limit_.load(std::memory_order_relaxed) != 0 || group_.limit == 0) return resident;
  const std::string stat = content(group_.stat);
  // The first version counts what lies below the group apart.
  const std::uint64_t cache =
      std::max(member(stat, "inactive_file"), member(stat, "total_inactive_file")) +
      std::max(member(stat, "active_file"), member(stat, "total_active_file")) +
      member(stat, "slab_reclaimable");  // inodes and names of files; the first has no such line
  const std::uint64_t all = number(content(group_.usage));
  const std::uint64_t taken = all - std::min(all, cache);
  // In a group where most is others', turning requests away would help nobody.
  return resident >= taken / 2 ? taken : resident;
}

void MemoryGauge::refresh() {
  const std::uint64_t used = read_used();
  const std::uint64_t most = limit();
  used_.store(used, std::memory_order_relaxed);
  Level level = Level::Ample;
  if (most != 0 && used >= most / 100 * kShortPercent) level = Level::Short;
  if (most != 0 && used >= most / 100 * kCriticalPercent) level = Level::Critical;
  level_.store(level, std::memory_order_relaxed);
}

/// Two shards that read from loopback take a tenth of a small limit within ten milliseconds: time alone is no measure.
bool MemoryGauge::take(std::uint64_t octets, std::int64_t now_ms) {
  const std::uint64_t most = limit();
  if (most == 0) return true;
  std::uint64_t taken = taken_.fetch_add(octets, std::memory_order_relaxed) + octets;
  const bool is_old = now_ms - asked_ms_.load(std::memory_order_relaxed) >= kFreshMs;
  if (is_old || taken >= most / 100 * kTakenPercent) {
    taken_.store(octets, std::memory_order_relaxed);  // before asking: what others take meanwhile may count twice
    asked_ms_.store(now_ms, std::memory_order_relaxed);
    refresh();
    taken = octets;
  }
  return used() + taken < most / 100 * kCriticalPercent;
}

}  // namespace sluice::rt
