// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "expr/expression.h"

namespace sluice::expr {
namespace {

// Text in lower case; a copy is made only when there is something to change, in a buffer that each thread reuses.
std::string_view lowered(std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return ascii_lower(c) == c; })) return text;
  thread_local std::string buffer;
  buffer.resize(text.size());
  std::ranges::transform(text, buffer.begin(), ascii_lower);
  return buffer;
}

bool compare(Op op, std::int64_t left, std::int64_t right) {
  switch (op) {
    case Op::Equal:
      return left == right;
    case Op::NotEqual:
      return left != right;
    case Op::Greater:
      return left > right;
    case Op::GreaterEqual:
      return left >= right;
    case Op::Less:
      return left < right;
    case Op::LessEqual:
      return left <= right;
    default:
      return false;
  }
}

bool compare(const Test& test, const IpAddress& address) {
  switch (test.op) {
    case Op::Equal:
      return address == std::get<IpAddress>(test.value);
    case Op::NotEqual:
      return address != std::get<IpAddress>(test.value);
    case Op::In:
      return std::get<Cidr>(test.value).contains(address);
    case Op::NotIn:
      return !std::get<Cidr>(test.value).contains(address);
    default:
      return false;
  }
}

class Evaluator {
 public:
  explicit Evaluator(const Input& input) : input_(input) {}

  bool holds(const Node& node) {
    const PathMatch before = path_;
    const bool result = combine(node);
    if (!result || node.kind == Node::Kind::Not) path_ = before;  // what failed has fixed nothing
    return result;
  }
  [[nodiscard]] const PathMatch& path() const { return path_; }

 private:
  bool combine(const Node& node) {
    const auto child_holds = [this](const Node& child) { return holds(child); };
    switch (node.kind) {
      case Node::Kind::And:
        return std::ranges::all_of(node.children, child_holds);
      case Node::Kind::Or:
        return std::ranges::any_of(node.children, child_holds);
      case Node::Kind::Not:
        return !holds(node.children.front());
      case Node::Kind::Test:
        return passes(*node.test);
    }
    return false;
  }

  bool passes(const Test& test) {
    switch (test.field.field) {
      case Field::NetProtocol:
        return text(test, to_string(input_.protocol));
      case Field::TlsSni:
        return !input_.sni.empty() && text(test, input_.sni);
      case Field::HttpMethod:
        return text(test, input_.method);
      case Field::HttpHost:
        return text(test, input_.host);
      case Field::HttpPath:
        return text(test, input_.path);
      case Field::HttpPathSegments:
        return segments(test);
      case Field::HttpPathSegmentCount:
        return number(test, static_cast<std::int64_t>(count_path_segments(input_.path)));
      case Field::HttpHeader:
        return headers(test);
      case Field::HttpQuery:
        return arguments(test);
      case Field::SrcIp:
        return compare(test, input_.src_ip);
      case Field::DstIp:
        return compare(test, input_.dst_ip);
      case Field::SrcPort:
        return number(test, input_.src_port);
      case Field::DstPort:
        return number(test, input_.dst_port);
    }
    return false;
  }

  static bool number(const Test& test, std::int64_t value) {
    return compare(test.op, value, std::get<std::int64_t>(test.value));
  }

  bool segments(const Test& test) {
    const auto found = path_segments(input_.path, test.field.first_segment, test.field.last_segment);
    return found && text(test, *found);
  }

  bool headers(const Test& test) {
    if (!input_.headers) return false;
    return every_value(test, [&](std::size_t n) { return input_.headers->value(test.field.name, n); });
  }

  bool arguments(const Test& test) {
    thread_local std::string buffer;
    return every_value(test, [&](std::size_t n) { return query_value(input_.query, test.field.name, n, buffer); });
  }

  template <class Nth>
  bool every_value(const Test& test, Nth nth) {
    std::size_t n = 0;
    while (const std::optional<std::string_view> value = nth(n)) {
      if (text(test, *value) == test.any) return test.any;
      ++n;
    }
    return n > 0 && !test.any;
  }

  bool text(const Test& test, std::string_view value) {
    if (test.lower) value = lowered(value);
    if (test.op == Op::Regex) return regex(test, value);
    const std::string& wanted = std::get<std::string>(test.value);
    switch (test.op) {
      case Op::Equal:
        return value == wanted;
      case Op::NotEqual:
        return value != wanted;
      case Op::Suffix:
        return value.ends_with(wanted);
      case Op::Contains:
        return value.find(wanted) != std::string_view::npos;
      case Op::Prefix:
        if (!value.starts_with(wanted)) return false;
        if (test.field.field == Field::HttpPath) path_ = {.length = wanted.size()};
        return true;
      default:
        return false;
    }
  }

  bool regex(const Test& test, std::string_view value) {
    const Regex& regex = *std::get<RegexRef>(test.value);
    if (test.field.field != Field::HttpPath) return regex.search(value, Anchor::None) == Matched::Yes;
    std::string_view whole;
    if (regex.search(value, Anchor::None, &whole) != Matched::Yes) return false;
    const bool at_start = whole.data() == value.data();
    path_ = {.length = at_start ? whole.size() : 0, .regex = test.lower ? nullptr : &regex};
    return true;
  }

  const Input& input_;
  PathMatch path_;
};

}  // namespace

bool Expression::matches(const Input& input, PathMatch* path) const {
  Evaluator evaluator(input);
  if (!evaluator.holds(root_)) return false;
  if (path) *path = evaluator.path();
  return true;
}

}  // namespace sluice::expr
