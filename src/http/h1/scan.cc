// SPDX-License-Identifier: Apache-2.0
#include "http/h1/scan.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

namespace sluice::http::h1 {
namespace {

using Table = std::array<bool, 256>;

template <class Belongs>
consteval Table table_of(Belongs belongs) {
  Table table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = belongs(c);
  return table;
}

constexpr Table kValue = table_of([](unsigned c) { return c == '\t' || (c >= 0x20 && c != 0x7F); });
constexpr Table kTarget = table_of([](unsigned c) { return c >= 0x21 && c <= 0x7E && c != '#'; });
constexpr Table kToken = table_of([](unsigned c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos);
});

const char* scan_by_table(const char* at, const char* end, const Table& belongs) {
  while (at != end && belongs[static_cast<unsigned char>(*at)]) ++at;
  return at;
}

#ifdef __SSE4_2__
/// Skips whole blocks without an octet in one of the given ranges (pairs of bounds, at most eight).
const char* skip_blocks(const char* at, const char* end, std::string_view ranges) {
  alignas(16) std::array<char, 16> padded{};
  std::memcpy(padded.data(), ranges.data(), ranges.size());
  const __m128i bounds = _mm_load_si128(reinterpret_cast<const __m128i*>(padded.data()));
  while (end - at >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    int index = _mm_cmpestri(bounds, static_cast<int>(ranges.size()), block, 16,
                             _SIDD_UBYTE_OPS | _SIDD_CMP_RANGES | _SIDD_LEAST_SIGNIFICANT);
    at += index;
    if (index != 16) break;
  }
  return at;
}
#else
const char* skip_blocks(const char* at, const char*, std::string_view) {
  return at;
}
#endif

constexpr std::string_view kNotInValue("\x00\x08\x0A\x1F\x7F\x7F", 6);
constexpr std::string_view kNotInTarget("\x00\x20##\x7F\xFF", 6);

}  // namespace

const char* find_value_end(const char* begin, const char* end) {
  return scan_by_table(skip_blocks(begin, end, kNotInValue), end, kValue);
}

const char* find_target_end(const char* begin, const char* end) {
  return scan_by_table(skip_blocks(begin, end, kNotInTarget), end, kTarget);
}

// Names are short: the table beats setting up vectors for most of them.
const char* find_token_end(const char* begin, const char* end) {
  return scan_by_table(begin, end, kToken);
}

const char* find_head_end(const char* begin, const char* end) {
  // Looks for "\n\r\n" behind a '\r': memchr for LF is the fastest first filter.
  const char* at = begin;
  while (at < end) {
    const auto* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (lf == nullptr) return nullptr;
    if (end - lf >= 3 && lf[1] == '\r' && lf[2] == '\n' && lf > begin && lf[-1] == '\r') return lf + 3;
    at = lf + 1;
  }
  return nullptr;
}

}  // namespace sluice::http::h1
