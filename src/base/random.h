// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

/// Fills memory with unpredictable octets from the kernel, through a small buffer per thread, so that an id costs no
/// system call. Safe across fork: a child never repeats its parent's octets. Keys come from crypto/random.h instead,
/// whose octets have never been in a shared buffer.
void fill_random(std::span<std::byte> out);

[[nodiscard]] std::uint64_t random_u64();

}  // namespace sluice
