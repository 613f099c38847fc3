// SPDX-License-Identifier: Apache-2.0
#include "settings/conf_file.h"

#include "base/strings.h"

namespace sluice::settings {
namespace {

std::string without_comment(std::string_view line) {
  std::string kept;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool escaped = line[at] == '\\' && at + 1 < line.size() && line[at + 1] == '#';
    if (escaped) {
      kept.push_back('#');
      ++at;
    } else if (line[at] == '#' && (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t')) {
      break;
    } else {
      kept.push_back(line[at]);
    }
  }
  return kept;
}

}  // namespace

ConfFile parse_conf(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // editors on Windows leave a byte order mark
  ConfFile file;
  unsigned number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string line = without_comment(trim(raw));
    if (trim(line).empty()) continue;
    const std::size_t equals = line.find('=');
    const std::string_view name = trim(std::string_view(line).substr(0, equals));
    if (equals == line.npos || name.empty()) {
      file.malformed.push_back(number);
    } else {
      file.lines.push_back({number, std::string(name), std::string(trim(std::string_view(line).substr(equals + 1)))});
    }
  }
  return file;
}

}  // namespace sluice::settings
