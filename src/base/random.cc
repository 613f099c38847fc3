// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <pthread.h>
#include <sys/random.h>

#include "base/assert.h"

namespace sluice {
namespace {

void ask_kernel(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      SLUICE_ASSERT(errno == EINTR);  // nothing else can fail once the kernel's pool is initialised
      continue;
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

/// Counts forks, so that a child drops what its parent had buffered.
std::atomic<std::uint32_t>& generation() {
  static std::atomic<std::uint32_t> count{1};
  static const int kRegistered = ::pthread_atfork(nullptr, nullptr, [] { generation().fetch_add(1); });
  SLUICE_ASSERT(kRegistered == 0);
  return count;
}

struct Buffer {
  std::array<std::byte, 512> octets;
  std::size_t used = 512;
  std::uint32_t generation = 0;
};

}  // namespace

void fill_random(std::span<std::byte> out) {
  thread_local Buffer buffer;
  if (out.size() > buffer.octets.size() / 2) return ask_kernel(out);
  const std::uint32_t current = generation().load(std::memory_order_relaxed);
  if (buffer.generation != current || buffer.octets.size() - buffer.used < out.size()) {
    ask_kernel(buffer.octets);
    buffer.used = 0;
    buffer.generation = current;
  }
  std::memcpy(out.data(), buffer.octets.data() + buffer.used, out.size());
  std::memset(buffer.octets.data() + buffer.used, 0, out.size());
  buffer.used += out.size();
}

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  fill_random(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

}  // namespace sluice
