// SPDX-License-Identifier: Apache-2.0
#include "console_folder.h"

#include <filesystem>
#include <system_error>

namespace sluice::apps {

std::string console_folder(const settings::Settings& settings) {
  if (settings.console_path == "off") return {};
  if (settings.console_path != "auto") return settings.console_path;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const auto above = program.parent_path().parent_path();
  for (const char* place : {"share/sluice/console", "web/console"}) {
    const auto folder = above / place;
    if (std::filesystem::is_regular_file(folder / "index.html", error)) return folder.string();
  }
  return {};
}

}  // namespace sluice::apps
