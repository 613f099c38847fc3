// SPDX-License-Identifier: Apache-2.0
#include "input.h"
#include "settings/load.h"

/// A settings file: either it loads, or every problem says where it stands and what it is.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  settings::Sources sources;
  sources.file_name = "sluice.conf";
  sources.file = fuzz::text_of(data, size);
  auto loaded = settings::load(sources);
  if (loaded) return 0;
  fuzz::expect(!loaded.error().empty(), "says why");
  for (const settings::Problem& problem : loaded.error()) fuzz::expect(!problem.what.empty(), "says what");
  fuzz::expect(!settings::to_string(loaded.error()).empty(), "can be printed");
  return 0;
}
