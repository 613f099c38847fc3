// SPDX-License-Identifier: Apache-2.0
#include "expr/regex.h"

#include <string>

#include "input.h"

/// The first octet chooses the dialect, the rest up to a zero octet is the pattern, what follows is searched.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  std::string_view input = fuzz::text_of(data, size);
  const auto dialect = fuzz::choose(input, 2) == 0 ? expr::RegexDialect::Rust : expr::RegexDialect::Pcre;
  const std::size_t zero = input.find('\0');
  const std::string text(zero == std::string_view::npos ? "/a/b/12" : input.substr(zero + 1));
  auto compiled = expr::Regex::compile(input.substr(0, zero), dialect);
  if (!compiled) {
    fuzz::expect(!compiled.error().what.empty(), "says why");
    return 0;
  }
  const expr::Regex& regex = **compiled;
  for (const auto anchor : {expr::Anchor::None, expr::Anchor::Start}) {
    std::string_view whole;
    const expr::Matched matched = regex.search(text, anchor, &whole);
    if (matched == expr::Matched::TooCostly) continue;
    fuzz::expect(matched == regex.search(text, anchor), "the same with and without the matched part");
    if (matched != expr::Matched::Yes) continue;
    fuzz::expect(whole.size() <= text.size(), "matches no more than there is");
    if (anchor == expr::Anchor::Start) fuzz::expect(std::string_view(text).starts_with(whole), "matches at the start");
    if (anchor == expr::Anchor::Start) {
      fuzz::expect(std::string_view(text).starts_with(regex.required_prefix(anchor)), "begins with what it must");
    }
    const auto groups = regex.groups(text, anchor);
    fuzz::expect(!groups.empty() && groups[0] == whole, "group 0 is the match");
    for (const auto& [name, number] : regex.group_names())
      fuzz::expect(number < groups.size() && !name.empty(), "named groups");
  }
  return 0;
}
