// SPDX-License-Identifier: Apache-2.0
#include "base/log_line.h"

#include <algorithm>
#include <string>

#include "base/json.h"
#include "input.h"

/// Whatever a value holds, its line stays one line, and the JSON form stays JSON.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view value = fuzz::text_of(data, size);
  std::string json;
  log::append_json_line(json, 0, log::Level::Warn, "fuzz.event", {{"value", value}, {"count", 1}});
  fuzz::expect(std::count(json.begin(), json.end(), '\n') == 1 && json.ends_with('\n'), "one JSON line");
  auto parsed = parse_json(std::string_view(json).substr(0, json.size() - 1));
  fuzz::expect(parsed.has_value() && parsed->find("value") != nullptr && parsed->find("count") != nullptr, "is JSON");

  std::string text;
  log::append_text_line(text, 0, log::Level::Warn, "fuzz.event", {{"value", value}, {"count", 1}});
  fuzz::expect(std::count(text.begin(), text.end(), '\n') == 1 && text.ends_with('\n'), "one text line");
  const bool harmless = std::none_of(text.begin(), text.end() - 1,
                                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  fuzz::expect(harmless, "no control octet reaches a terminal");
  return 0;
}
