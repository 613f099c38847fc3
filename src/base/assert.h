// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice::detail {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
void bug_found(const char* expression, const char* file, int line);
}  // namespace sluice::detail

/// States what our own code guarantees, and aborts when it does not hold. Never tests input.
#define SLUICE_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::sluice::detail::assertion_failed(#condition, __FILE__, __LINE__))

/// Reports a broken belief and carries on: `if (SLUICE_BUG(size < 0)) return;`
#define SLUICE_BUG(condition) \
  (static_cast<bool>(condition) ? (::sluice::detail::bug_found(#condition, __FILE__, __LINE__), true) : false)
