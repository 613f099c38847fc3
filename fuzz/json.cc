// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include "input.h"

/// What can be parsed can be written, compact and pretty, and parses to the same again.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  auto value = parse_json(fuzz::text_of(data, size));
  if (!value) {
    fuzz::expect(!value.error().what.empty(), "says why");
    return 0;
  }
  const std::string text = to_json(*value);
  auto again = parse_json(text);
  fuzz::expect(again && *again == *value, "compact text parses to the same");
  fuzz::expect(to_json(*again) == text, "written the same twice");
  auto pretty = parse_json(to_pretty_json(*value));
  fuzz::expect(pretty && *pretty == *value, "pretty text parses to the same");
  return 0;
}
