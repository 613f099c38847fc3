// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

// Numbers and texts in the records of the cache: little endian, texts with their length in front.
namespace sluice::dataplane {

inline void put_u32(std::string& out, std::size_t value) {
  for (unsigned i = 0; i < 4; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}
inline void put_text(std::string& out, std::string_view text) {
  put_u32(out, text.size());
  out.append(text);
}

/// Reads what these wrote. Views live as long as the octets.
class OctetReader {
 public:
  explicit OctetReader(std::string_view octets) : rest_(octets) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  Result<std::string_view> take(std::size_t size) {
    if (rest_.size() < size) return fail(Errc::Invalid, "a record is too short", Blame::System);
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  Result<std::uint32_t> u32() {
    TRY(const std::string_view taken, take(4));
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(taken[i])} << (8 * i);
    return value;
  }
  Result<std::string_view> text() {
    TRY(const std::uint32_t size, u32());
    return take(size);
  }

 private:
  std::string_view rest_;
};

}  // namespace sluice::dataplane
