// SPDX-License-Identifier: Apache-2.0
#include "cli/json_path.h"

#include <algorithm>
#include <set>
#include <utility>

#include "cli/json_path_steps.h"

namespace sluice::cli {
namespace {

using json_path::Filter;
using json_path::Operand;
using json_path::Selector;
using json_path::Step;
using schema::PathPart;

PathMatch member_of(const PathMatch& at, const std::string& name, Json& value) {
  PathMatch match{&value, at.path, {}};
  match.path.push_back({name, 0, false});
  return match;
}

PathMatch element_of(const PathMatch& at, std::size_t index, Json& value) {
  PathMatch match{&value, at.path, {}};
  match.path.push_back({{}, index, true});
  return match;
}

/// Calls `visit` with each member or element.
template <class Visit>
void for_each_child(const PathMatch& at, const Visit& visit) {
  if (at.value->is_object()) {
    for (auto& [name, value] : at.value->as_object()) visit(member_of(at, name, value));
  } else if (at.value->is_array()) {
    auto& elements = at.value->as_array();
    for (std::size_t i = 0; i < elements.size(); ++i) visit(element_of(at, i, elements[i]));
  }
}

class Evaluation {
 public:
  explicit Evaluation(Json& root) : root_(root) {}

  std::vector<PathMatch> follow(const std::vector<Step>& steps, PathMatch from) const {
    std::vector<PathMatch> here = {std::move(from)};
    for (const Step& step : steps) {
      std::vector<PathMatch> next;
      for (const PathMatch& at : here) {
        if (at.value != nullptr) take(step, at, next);
      }
      here = std::move(next);
    }
    return here;
  }

 private:
  void take(const Step& step, const PathMatch& at, std::vector<PathMatch>& out) const {
    switch (step.kind) {
      case Step::Kind::Child:
        for (const Selector& selector : step.selectors) choose(selector, at, out);
        return;
      case Step::Kind::Descendant:
        for (const Selector& selector : step.selectors) choose(selector, at, out);
        for_each_child(at, [&](const PathMatch& child) { take(step, child, out); });
        return;
      case Step::Kind::Names:
        if (!at.path.empty()) {
          const PathPart& last = at.path.back();
          out.push_back({nullptr, at.path, last.is_index ? std::to_string(last.index) : last.name});
        }
        return;
      case Step::Kind::Parent:
        if (!at.path.empty()) out.push_back(parent_of(at));
        return;
    }
  }

  [[nodiscard]] PathMatch parent_of(const PathMatch& at) const {
    PathMatch parent{&root_, at.path, {}};
    parent.path.pop_back();
    for (const PathPart& part : parent.path) {
      parent.value = part.is_index ? &parent.value->as_array()[part.index] : parent.value->find(part.name);
    }
    return parent;
  }

  void choose(const Selector& selector, const PathMatch& at, std::vector<PathMatch>& out) const {
    switch (selector.kind) {
      case Selector::Kind::Name:
        if (Json* value = at.value->find(selector.name)) out.push_back(member_of(at, selector.name, *value));
        return;
      case Selector::Kind::All:
        for_each_child(at, [&](PathMatch child) { out.push_back(std::move(child)); });
        return;
      case Selector::Kind::Filter:
        for_each_child(at, [&](PathMatch child) {
          if (holds(*selector.filter, child)) out.push_back(std::move(child));
        });
        return;
      case Selector::Kind::Index:
      case Selector::Kind::Slice:
        if (at.value->is_array()) choose_positions(selector, at, out);
        return;
    }
  }

  static void choose_positions(const Selector& selector, const PathMatch& at, std::vector<PathMatch>& out) {
    auto& elements = at.value->as_array();
    const auto size = static_cast<std::int64_t>(elements.size());
    const auto add = [&](std::int64_t i) {
      if (i >= 0 && i < size)
        out.push_back(element_of(at, static_cast<std::size_t>(i), elements[static_cast<std::size_t>(i)]));
    };
    const auto from_end = [&](std::int64_t i) { return i < 0 ? i + size : i; };
    if (selector.kind == Selector::Kind::Index) return add(from_end(*selector.from));
    if (selector.step > 0) {
      const std::int64_t end = std::min(from_end(selector.to.value_or(size)), size);
      for (std::int64_t i = std::max<std::int64_t>(0, from_end(selector.from.value_or(0))); i < end; i += selector.step)
        add(i);
    } else {
      const std::int64_t end = selector.to ? from_end(*selector.to) : -1;
      for (std::int64_t i = std::min(size - 1, from_end(selector.from.value_or(size - 1))); i > end; i += selector.step)
        add(i);
    }
  }

  // Filters
  // -----------------------------------------------------------------------------------------------------------------

  [[nodiscard]] bool holds(const Filter& filter, const PathMatch& at) const {
    const auto part_holds = [&](const Filter& part) { return holds(part, at); };
    switch (filter.kind) {
      case Filter::Kind::Or:
        return std::ranges::any_of(filter.parts, part_holds);
      case Filter::Kind::And:
        return std::ranges::all_of(filter.parts, part_holds);
      case Filter::Kind::Not:
        return !part_holds(filter.parts.front());
      case Filter::Kind::Exists: {
        const auto value = evaluate(filter.left, at);
        return value && !(value->is_bool() && !value->as_bool());
      }
      case Filter::Kind::Matches: {
        const auto value = evaluate(filter.left, at);
        if (!value || !value->is_string()) return false;
        std::string_view found;
        const auto anchor = filter.whole ? expr::Anchor::Start : expr::Anchor::None;
        if (filter.regex->search(value->as_string(), anchor, &found) != expr::Matched::Yes) return false;
        return !filter.whole || found.size() == value->as_string().size();
      }
      case Filter::Kind::Compare:
        return compare(filter.comparison, evaluate(filter.left, at), evaluate(filter.right, at));
    }
    return false;
  }

  /// Nothing when the operand names what is not there. Several values count as the first one.
  [[nodiscard]] std::optional<Json> evaluate(const Operand& operand, const PathMatch& at) const {
    switch (operand.kind) {
      case Operand::Kind::Literal:
        return operand.literal;
      case Operand::Kind::Property: {
        const PathPart& last = at.path.back();
        return Json(last.is_index ? std::to_string(last.index) : last.name);
      }
      default:
        break;
    }
    const bool absolute = operand.kind == Operand::Kind::Absolute;
    const auto found = follow(operand.steps, absolute ? PathMatch{&root_, {}, {}} : at);
    if (operand.kind == Operand::Kind::Count) return Json(found.size());
    if (found.empty()) return std::nullopt;
    if (operand.kind == Operand::Kind::Length) return length_of(found.front());
    return found.front().value != nullptr ? *found.front().value : Json(found.front().name);
  }

  [[nodiscard]] static std::optional<Json> length_of(const PathMatch& match) {
    if (match.value == nullptr) return Json(match.name.size());
    const Json& value = *match.value;
    if (value.is_string()) return Json(value.as_string().size());
    if (value.is_array()) return Json(value.as_array().size());
    if (value.is_object()) return Json(value.as_object().size());
    return std::nullopt;
  }

  [[nodiscard]] static bool compare(const std::string& sign, const std::optional<Json>& left,
                                    const std::optional<Json>& right) {
    if (sign == "==") return left == right;
    if (sign == "!=") return !(left == right);
    if (!left || !right) return false;
    const auto ordered = [&](const auto& a, const auto& b) {
      if (sign == "<") return a < b;
      if (sign == "<=") return a <= b;
      return sign == ">" ? a > b : a >= b;
    };
    if (left->is_number() && right->is_number()) return ordered(left->number(), right->number());
    if (left->is_string() && right->is_string()) return ordered(left->as_string(), right->as_string());
    return false;
  }

  Json& root_;
};

}  // namespace

std::string PathMatch::where() const {
  if (path.empty()) return "$";
  schema::Violation violation{path, {}, false};
  return violation.where();
}

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath path;
  path.text_ = text;
  TRY(path.steps_, json_path::parse(text));
  return path;
}

std::vector<PathMatch> JsonPath::select(Json& root) const {
  auto matches = Evaluation(root).follow(steps_, PathMatch{&root, {}, {}});
  std::set<std::pair<const Json*, std::string>> seen;
  std::erase_if(matches, [&](const PathMatch& match) {
    return !seen.emplace(match.value, match.value == nullptr ? match.where() : std::string()).second;
  });
  return matches;
}

}  // namespace sluice::cli
