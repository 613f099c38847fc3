// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::settings {

/// A line `name = value`.
struct ConfLine {
  unsigned number;  // from 1
  std::string name;
  std::string value;
};

struct ConfFile {
  std::vector<ConfLine> lines;
  std::vector<unsigned> malformed;  // numbers of lines that are neither that, nor blank, nor a comment
};

/// `#` begins a comment at the start of a line or after a blank; `\#` is the character itself.
ConfFile parse_conf(std::string_view text);

}  // namespace sluice::settings
