// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/template.h"

#include <string>

#include "input.h"

namespace {

using namespace sluice;

class SomeValues final : public plugins::TemplateEnvironment {
 public:
  plugins::TemplateValueView find(plugins::TemplateTable /*table*/, std::string_view key) override {
    if (key == "a") return std::string_view("value");
    if (key == "b") return std::vector<std::string_view>{"one", "two"};
    if (key == "c") return true;
    return std::monostate{};
  }
};

}  // namespace

/// Templates of transformer plugins: what parses renders or fails with a reason, the same each time.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  Arena arena;
  SomeValues values;
  (void)plugins::Template::compile(text).render(values, arena);
  auto parsed = plugins::Template::parse(text);
  if (!parsed) {
    fuzz::expect(!parsed.error().what.empty(), "says why");
    return 0;
  }
  auto first = parsed->render(values, arena);
  auto second = parsed->render(values, arena);
  fuzz::expect(first.has_value() == second.has_value() && (!first || *first == *second), "the same each time");
  if (text.find("$(") == std::string_view::npos) fuzz::expect(first && *first == text, "plain text stays as it is");
  return 0;
}
