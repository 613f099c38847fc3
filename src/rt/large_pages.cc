// SPDX-License-Identifier: Apache-2.0
#include "rt/large_pages.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1; the headers of Debian 12 have it not
#endif

namespace sluice::rt {
namespace {

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;  // their shadow memory has terabytes of addresses
#else
constexpr bool kSanitized = false;
#endif

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

/// The addresses of a line of /proc/self/maps if it is private memory of no file: "begin-end rw-p offset device inode
/// [heap]".
Range own_memory(const std::string& line) {
  std::istringstream words(line);
  Range range;
  char dash = 0;
  std::string rights, offset, device, inode, name;
  words >> std::hex >> range.begin >> dash >> range.end >> rights >> offset >> device >> inode >> name;
  const bool ours = rights == "rw-p" && inode == "0" && (name.empty() || name == "[heap]");
  return ours ? range : Range{};
}

/// What is asked for by name would be done though the switch says never.
bool switched_off() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string states;
  std::getline(file, states);
  return states.find("[never]") != std::string::npos;
}

bool mostly_in_memory(std::uintptr_t block) {
  static const auto kPage = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> present(LargePages::kBytes / kPage);
  if (::mincore(reinterpret_cast<void*>(block), LargePages::kBytes, present.data()) != 0) return false;
  const auto in_memory =
      static_cast<std::size_t>(std::ranges::count_if(present, [](unsigned char state) { return (state & 1U) != 0; }));
  return in_memory >= present.size() / 8 * 7;
}

}  // namespace

LargePages LargePages::of_process() {
  LargePages pages;
  if (kSanitized || switched_off()) return pages;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const Range range = own_memory(line);
    const std::uintptr_t first = (range.begin + kBytes - 1) / kBytes * kBytes;
    for (std::uintptr_t block = first; block + kBytes <= range.end; block += kBytes) {
      if (mostly_in_memory(block)) pages.blocks_.push_back(block);
    }
  }
  return pages;
}

bool LargePages::step() {
  if (blocks_.empty()) return false;
  // A refusal (the block has been freed meanwhile, no large page is free) leaves the small pages as they are.
  ::madvise(reinterpret_cast<void*>(blocks_.back()), kBytes, MADV_COLLAPSE);
  blocks_.pop_back();
  return !blocks_.empty();
}

}  // namespace sluice::rt
