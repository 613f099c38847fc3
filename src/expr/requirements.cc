// SPDX-License-Identifier: Apache-2.0
#include "expr/requirements.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/strings.h"

namespace sluice::expr {
namespace {

constexpr std::size_t kMaxAlternatives = 256;  // beyond, an index entry per alternative costs more than it saves

// Octets that the least selective alternative pins down.
std::size_t weight(const std::vector<std::string>& prefixes) {
  return std::ranges::min(prefixes, {}, &std::string::size).size();
}
std::size_t weight(const std::vector<NamePattern>& names) {
  const bool exact = std::ranges::all_of(names, [](const auto& n) { return n.kind == NamePattern::Kind::Exact; });
  return exact ? 1 : 0;
}
template <class T>
std::size_t weight(const std::vector<T>&) {
  return 0;
}

// Both hold: either may be required; the more telling one is kept.
template <class T>
void both(std::optional<std::vector<T>>& left, std::optional<std::vector<T>>&& right) {
  if (!right) return;
  const bool better =
      !left || weight(*right) > weight(*left) || (weight(*right) == weight(*left) && right->size() < left->size());
  if (better) left = std::move(right);
}

// One of them holds: only what both require, one way or the other, is required.
template <class T>
void either(std::optional<std::vector<T>>& left, std::optional<std::vector<T>>&& right) {
  if (!left) return;
  if (!right || left->size() + right->size() > kMaxAlternatives) {
    left.reset();
    return;
  }
  left->insert(left->end(), std::make_move_iterator(right->begin()), std::make_move_iterator(right->end()));
}

template <class T>
void deduplicate(std::optional<std::vector<T>>& values) {
  if (!values) return;
  std::ranges::sort(*values);
  const auto repeated = std::ranges::unique(*values);
  values->erase(repeated.begin(), repeated.end());
}

void require_name(const Test& test, Requirements& out) {
  using Kind = NamePattern::Kind;
  if (test.op == Op::Regex) return;
  const auto& text = std::get<std::string>(test.value);
  if (test.op == Op::Equal) out.names = {{Kind::Exact, text}};
  if (test.op == Op::Suffix && text.starts_with('.')) out.names = {{Kind::Suffix, text}};
  if (test.op == Op::Prefix && text.ends_with('.')) out.names = {{Kind::Prefix, text}};
}

void require_path(const Test& test, Requirements& out) {
  if (test.lower) return;  // would need the prefix in every spelling
  if (test.op == Op::Regex) {
    out.path_prefixes = {std::string(std::get<RegexRef>(test.value)->required_prefix(Anchor::None))};
  } else if (test.op == Op::Equal || test.op == Op::Prefix) {
    out.path_prefixes = {std::get<std::string>(test.value)};
  }
}

Requirements of_test(const Test& test, Field name_field) {
  Requirements out;
  if (test.field.field == name_field) {
    require_name(test, out);
  } else if (test.field.field == Field::HttpPath) {
    require_path(test, out);
  } else if (test.field.field == Field::HttpPathSegments && test.field.first_segment == 0 && !test.lower &&
             (test.op == Op::Equal || test.op == Op::Prefix)) {
    out.path_prefixes = {"/" + std::get<std::string>(test.value)};
  } else if (test.field.field == Field::DstPort && test.op == Op::Equal) {
    const auto port = std::get<std::int64_t>(test.value);
    if (port >= 0 && port <= 65535) out.dst_ports = {static_cast<std::uint16_t>(port)};
  } else if (test.field.field == Field::HttpHeader && test.op == Op::Equal) {
    out.header_values = {{test.field.name, to_lower(std::get<std::string>(test.value))}};
  }
  return out;
}

Requirements of_node(const Node& node, Field name_field) {
  if (node.kind == Node::Kind::Test) return of_test(*node.test, name_field);
  if (node.kind == Node::Kind::Not) return {};
  Requirements out = of_node(node.children.front(), name_field);
  for (std::size_t i = 1; i < node.children.size(); ++i) {
    Requirements next = of_node(node.children[i], name_field);
    if (node.kind == Node::Kind::And) {
      both(out.names, std::move(next.names));
      both(out.path_prefixes, std::move(next.path_prefixes));
      both(out.dst_ports, std::move(next.dst_ports));
      both(out.header_values, std::move(next.header_values));
    } else {
      either(out.names, std::move(next.names));
      either(out.path_prefixes, std::move(next.path_prefixes));
      either(out.dst_ports, std::move(next.dst_ports));
      either(out.header_values, std::move(next.header_values));
    }
  }
  return out;
}

}  // namespace

Requirements requirements_of(const Expression& expression, Field name_field) {
  Requirements out = of_node(expression.root(), name_field);
  deduplicate(out.names);
  deduplicate(out.path_prefixes);
  deduplicate(out.dst_ports);
  deduplicate(out.header_values);
  return out;
}

}  // namespace sluice::expr
