// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "http/headers.h"
#include "input.h"

namespace {

using namespace sluice;

std::vector<std::string> members(std::string_view list) {
  std::vector<std::string> found;
  http::for_each_token(list, [&](std::string_view token) { found.emplace_back(token); });
  return found;
}

/// A list of names and values, edited as the input says, beside a plain vector that is edited in the same way.
void edit(std::string_view input) {
  Arena arena;
  http::Headers headers(arena);
  std::vector<std::pair<std::string, std::string>> model;
  while (input.size() >= 3) {
    const unsigned action = fuzz::choose(input, 4);
    const std::string name(1 + fuzz::choose(input, 2), static_cast<char>('a' + fuzz::choose(input, 4)));
    const std::string value(input.substr(0, 3));
    auto same = [&](const auto& field) { return field.first == name; };
    if (action == 0) {
      headers.add(name, value);
      model.emplace_back(name, value);
    } else if (action == 1) {
      headers.set(name, value);
      auto first = std::find_if(model.begin(), model.end(), same);
      if (first == model.end()) {
        model.emplace_back(name, value);
      } else {
        first->second = value;
        model.erase(std::remove_if(first + 1, model.end(), same), model.end());
      }
    } else if (action == 2) {
      fuzz::expect(headers.remove(name) == std::erase_if(model, same), "removes as many");
    }
    fuzz::expect(headers.size() == model.size(), "as many lines");
    fuzz::expect(headers.count(name) == static_cast<std::size_t>(std::count_if(model.begin(), model.end(), same)),
                 "counts");
  }
  std::size_t i = 0;
  for (const http::Field& field : headers) {
    fuzz::expect(field.name == model[i].first && field.value == model[i].second, "the same line");
    ++i;
  }
}

}  // namespace

/// Comma-separated lists, and the list of fields.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto found = members(text);
  std::string joined;
  for (const std::string& token : found) {
    fuzz::expect(!token.empty() && token.find(',') == std::string::npos, "members are not empty and hold no comma");
    fuzz::expect(http::list_has(text, token), "a list has its members");
    joined.append(joined.empty() ? "" : ", ").append(token);
  }
  fuzz::expect(members(joined) == found, "joined and split again");
  edit(text);
  return 0;
}
