// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace sluice::detail {

// Plain stdio on purpose: an assertion may fail inside the logger.
void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

void bug_found(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: bug: %s\n", file, line, expression);
}

}  // namespace sluice::detail
