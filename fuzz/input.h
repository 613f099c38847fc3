// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// What every target needs: the octets as text, and a way to say that something that must hold does not.
namespace sluice::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the run when `holds` is false: libFuzzer then keeps the input.
inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "ERROR: does not hold: %s\n", what);
  std::abort();
}

/// Takes one octet off the front as a choice below `below`.
inline unsigned choose(std::string_view& input, unsigned below) {
  if (input.empty()) return 0;
  const unsigned chosen = static_cast<unsigned char>(input.front()) % below;
  input.remove_prefix(1);
  return chosen;
}

}  // namespace sluice::fuzz

/// What libFuzzer calls with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
