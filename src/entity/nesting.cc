// SPDX-License-Identifier: Apache-2.0
#include "entity/nesting.h"

#include <string>
#include <vector>

namespace sluice::entity {
namespace {

/// The steps from a value, which stands at `level`, to the first one that is too deep, last one first. False: there is
/// none. As deep as readers of JSON and YAML allow.
bool find_deep(const Json& value, std::size_t level, std::vector<std::string>& steps) {
  const bool array = value.is_array();
  if (!array && !value.is_object()) return false;
  if (level > kMaxNesting) return true;
  if (array) {
    for (std::size_t i = 0; i < value.as_array().size(); ++i) {
      if (!find_deep(value.as_array()[i], level + 1, steps)) continue;
      steps.push_back('[' + std::to_string(i) + ']');
      return true;
    }
    return false;
  }
  for (const auto& [name, member] : value.as_object()) {
    if (!find_deep(member, level + 1, steps)) continue;
    steps.push_back('.' + name);
    return true;
  }
  return false;
}

/// The beginning of a way: nobody reads a hundred steps.
std::string beginning(const std::string& member, const std::vector<std::string>& steps) {
  constexpr std::size_t kShown = 8;
  constexpr std::size_t kMostOctets = 64;
  std::string way = member.substr(0, kMostOctets);
  for (std::size_t i = 0; i < kShown && i < steps.size(); ++i)
    way += steps[steps.size() - 1 - i].substr(0, kMostOctets);
  return steps.size() > kShown ? way + "..." : way;
}

}  // namespace

bool check_nesting(const Json& document, schema::Violations& violations) {
  if (!document.is_object()) return true;
  bool fits = true;
  for (const auto& [name, member] : document.as_object()) {
    std::vector<std::string> steps;
    if (!find_deep(member, 2, steps)) continue;
    violations.add(schema::PathView{}.member(name),
                   "nested deeper than " + std::to_string(kMaxNesting) + " levels: " + beginning(name, steps));
    fits = false;
  }
  return fits;
}

}  // namespace sluice::entity
