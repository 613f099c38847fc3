// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::cli {

/// A line on the terminal (standard error) that shows how far a long command is. Stays silent for the first two seconds
/// and when standard error is no terminal. To be ticked while waiting.
class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Removes the line.
  ~Progress() { clear(); }

  /// What happens now; `total` steps of it, 0 when unknown.
  void begin(std::string what, std::size_t total = 0);
  void step() { ++done_; }
  void tick();
  void clear();
  /// For commands that draw the screen themselves.
  void silence() { terminal_ = false; }

 private:
  bool terminal_;
  std::int64_t started_ms_;
  std::int64_t drawn_ms_ = 0;
  bool visible_ = false;
  std::string what_;
  std::size_t done_ = 0;
  std::size_t total_ = 0;
};

/// The line's text, `reading  [#####-----]  5/10  3 s`.
std::string progress_line(const std::string& what, std::size_t done, std::size_t total, std::int64_t elapsed_ms);

}  // namespace sluice::cli
