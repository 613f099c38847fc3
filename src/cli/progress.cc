// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

#include "base/time.h"

namespace sluice::cli {
namespace {

constexpr std::int64_t kSilentMs = 2000;
constexpr std::int64_t kRedrawMs = 100;
constexpr std::size_t kWidth = 30;

}  // namespace

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1), started_ms_(unix_millis()) {}

void Progress::begin(std::string what, std::size_t total) {
  what_ = std::move(what);
  total_ = total;
  done_ = 0;
  tick();
}

void Progress::tick() {
  if (!terminal_) return;
  const std::int64_t now = unix_millis();
  if (now - started_ms_ < kSilentMs || now - drawn_ms_ < kRedrawMs) return;
  drawn_ms_ = now;
  visible_ = true;
  std::fprintf(stderr, "\r%s\x1b[K", progress_line(what_, done_, total_, now - started_ms_).c_str());
  std::fflush(stderr);
}

void Progress::clear() {
  if (visible_) std::fputs("\r\x1b[K", stderr);
  visible_ = false;
}

std::string progress_line(const std::string& what, std::size_t done, std::size_t total, std::int64_t elapsed_ms) {
  std::string line = what;
  if (total > 0) {
    const std::size_t filled = std::min(done, total) * kWidth / total;
    line += "  [" + std::string(filled, '#') + std::string(kWidth - filled, '-') + "]  " + std::to_string(done) + "/" +
            std::to_string(total);
  }
  return line + "  " + std::to_string(elapsed_ms / 1000) + " s";
}

}  // namespace sluice::cli
