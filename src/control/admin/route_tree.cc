// SPDX-License-Identifier: Apache-2.0
#include "control/admin/route_tree.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"

namespace sluice::control::admin {

namespace {

/// Whether a segment hides a step upwards: "..", "..%2f".
bool climbs(std::string_view segment) {
  for (const std::string_view part : split(segment, '/')) {
    if (part == "..") return true;
  }
  return false;
}

}  // namespace

struct RouteTree::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  Endpoint endpoint;  // without methods: none ends here
};

const Handler* Endpoint::find(std::string_view method) const {
  const auto at = methods.find(method == "HEAD" ? "GET" : method);
  return at != methods.end() ? &at->second : nullptr;
}

std::string Endpoint::allow() const {
  std::set<std::string> names = {"OPTIONS"};
  for (const auto& [name, handler] : methods) names.insert(name);
  if (names.contains("GET")) names.insert("HEAD");
  const std::vector<std::string> list(names.begin(), names.end());
  return join(list, ", ");
}

RouteTree::RouteTree() : root_(std::make_unique<Node>()) {}
RouteTree::~RouteTree() = default;

Endpoint& RouteTree::endpoint(std::string_view pattern) {
  Node* node = root_.get();
  for (const std::string_view segment : split_list(pattern, '/')) {
    auto& next = segment.starts_with('{') ? node->parameter : node->literals[std::string(segment)];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  // What stands for a name has one place in the tree: the first pattern names it.
  if (node->endpoint.pattern.empty()) node->endpoint.pattern = pattern;
  return node->endpoint;
}

void RouteTree::add(std::string_view method, std::string_view pattern, Handler handler) {
  endpoint(pattern).methods[std::string(method)] = std::move(handler);
}

void RouteTree::add_question(std::string_view pattern, Handler handler) {
  add("POST", pattern, std::move(handler));
  endpoint(pattern).post_asks = true;
}

const Endpoint* RouteTree::find(const Node& node, std::span<const std::string> rest, std::vector<std::string>& params) {
  if (rest.empty()) return node.endpoint.methods.empty() ? nullptr : &node.endpoint;
  if (const auto literal = node.literals.find(rest.front()); literal != node.literals.end()) {
    if (const Endpoint* found = find(*literal->second, rest.subspan(1), params)) return found;
  }
  if (!node.parameter || rest.front().empty()) return nullptr;
  params.push_back(rest.front());
  if (const Endpoint* found = find(*node.parameter, rest.subspan(1), params)) return found;
  params.pop_back();
  return nullptr;
}

std::optional<RouteTree::Match> RouteTree::find(std::span<const std::string> segments) const {
  Match match{nullptr, {}};
  match.endpoint = find(*root_, segments, match.params);
  if (match.endpoint == nullptr) return std::nullopt;
  return match;
}

std::vector<const Endpoint*> RouteTree::endpoints() const {
  std::vector<const Endpoint*> result;
  std::vector<const Node*> open = {root_.get()};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (!node->endpoint.methods.empty()) result.push_back(&node->endpoint);
    for (const auto& [name, child] : node->literals) open.push_back(child.get());
    if (node->parameter) open.push_back(node->parameter.get());
  }
  std::ranges::sort(result, {}, &Endpoint::pattern);
  return result;
}

std::vector<std::string> RouteTree::patterns() const {
  std::vector<std::string> result;
  for (const Endpoint* endpoint : endpoints()) result.push_back(endpoint->pattern);
  return result;
}

std::optional<std::vector<std::string>> path_segments(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> segments;
  if (path.empty()) return segments;
  for (const std::string_view piece : split(path, '/')) {
    auto decoded = percent_decode(piece);
    if (!decoded || climbs(*decoded)) return std::nullopt;
    segments.push_back(*std::move(decoded));
  }
  return segments;
}

}  // namespace sluice::control::admin
