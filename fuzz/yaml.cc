// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include "input.h"

/// What can be parsed can be written and parses to the same again.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  auto value = parse_yaml(fuzz::text_of(data, size));
  if (!value) {
    fuzz::expect(!value.error().what.empty(), "says why");
    return 0;
  }
  auto again = parse_yaml(to_yaml(*value));
  fuzz::expect(again && *again == *value, "written text parses to the same");
  return 0;
}
