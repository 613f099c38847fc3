// SPDX-License-Identifier: Apache-2.0
#include "cli/json_diff.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/strings.h"

namespace sluice::cli {
namespace {

using Members = std::map<std::string_view, const Json*>;

Members members_of(const Json& object) {
  Members members;
  for (const auto& [name, value] : object.as_object()) {
    if (!value.is_null()) members.emplace(name, &value);
  }
  return members;
}

class Writer {
 public:
  std::string take() { return std::move(text_); }

  void object(char sign, int depth, const Json& value) {
    for (const auto& [name, member] : members_of(value)) entry(sign, depth, name, *member);
  }

  void entry(char sign, int depth, std::string_view name, const Json& value) {
    if (value.is_object() && !value.as_object().empty()) {
      line(sign, depth, name, "{");
      object(sign, depth + 1, value);
      line(sign, depth, {}, "}");
    } else if (value.is_array() && !value.as_array().empty()) {
      line(sign, depth, name, "[");
      for (const Json& element : value.as_array()) entry(sign, depth + 1, {}, element);
      line(sign, depth, {}, "]");
    } else {
      line(sign, depth, name, to_json(value));
    }
  }

  void line(char sign, int depth, std::string_view name, std::string_view value) {
    text_ += sign;
    text_.append(static_cast<std::size_t>(depth) * 2, ' ');
    if (!name.empty()) {
      append_json_string(text_, name);
      text_ += ": ";
    }
    text_.append(value);
    text_ += '\n';
  }

  void compare(int depth, std::string_view name, const Json& before, const Json& after) {
    if (before == after) return entry(' ', depth, name, after);
    if (before.is_object() && after.is_object()) {
      line(' ', depth, name, "{");
      objects(depth + 1, before, after);
      return line(' ', depth, {}, "}");
    }
    if (before.is_array() && after.is_array()) {
      line(' ', depth, name, "[");
      arrays(depth + 1, before.as_array(), after.as_array());
      return line(' ', depth, {}, "]");
    }
    entry('-', depth, name, before);
    entry('+', depth, name, after);
  }

  void objects(int depth, const Json& before, const Json& after) {
    const Members old = members_of(before);
    const Members fresh = members_of(after);
    Members all = old;
    all.insert(fresh.begin(), fresh.end());
    for (const auto& [name, any] : all) {
      const auto at_old = old.find(name);
      const auto at_new = fresh.find(name);
      if (at_new == fresh.end()) {
        entry('-', depth, name, *at_old->second);
      } else if (at_old == old.end()) {
        entry('+', depth, name, *at_new->second);
      } else {
        compare(depth, name, *at_old->second, *at_new->second);
      }
    }
  }

 private:
  /// Elements that both have in the same order stay, by their longest common subsequence; short lists only.
  void arrays(int depth, const Json::Array& before, const Json::Array& after) {
    constexpr std::size_t kMost = 1000;
    if (before.size() > kMost || after.size() > kMost) {
      for (const Json& element : before) entry('-', depth, {}, element);
      for (const Json& element : after) entry('+', depth, {}, element);
      return;
    }
    std::vector<std::vector<std::size_t>> common(before.size() + 1, std::vector<std::size_t>(after.size() + 1, 0));
    for (std::size_t i = before.size(); i-- > 0;) {
      for (std::size_t k = after.size(); k-- > 0;) {
        common[i][k] = before[i] == after[k] ? common[i + 1][k + 1] + 1 : std::max(common[i + 1][k], common[i][k + 1]);
      }
    }
    std::size_t i = 0;
    std::size_t k = 0;
    while (i < before.size() || k < after.size()) {
      if (i < before.size() && k < after.size() && before[i] == after[k]) {
        entry(' ', depth, {}, after[k]);
        ++i;
        ++k;
      } else if (k == after.size() || (i < before.size() && common[i + 1][k] >= common[i][k + 1])) {
        entry('-', depth, {}, before[i++]);
      } else {
        entry('+', depth, {}, after[k++]);
      }
    }
  }

  std::string text_;
};

}  // namespace

std::string json_diff(const Json& before, const Json& after) {
  Writer writer;
  writer.line(' ', 0, {}, "{");
  writer.objects(1, before, after);
  writer.line(' ', 0, {}, "}");
  return writer.take();
}

std::string coloured_diff(std::string_view diff) {
  std::string text;
  for (std::string_view line : split(diff, '\n')) {
    if (!text.empty()) text += '\n';
    const bool coloured = line.starts_with('-') || line.starts_with('+');
    if (coloured) text += line.front() == '-' ? "\x1b[31m" : "\x1b[32m";
    text.append(line);
    if (coloured) text += "\x1b[0m";
  }
  return text;
}

}  // namespace sluice::cli
