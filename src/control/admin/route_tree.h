// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/admin/message.h"

namespace sluice::control::admin {

/// One path pattern and what answers its methods.
struct Endpoint {
  std::string pattern;  // "/services/{services}"
  std::map<std::string, Handler, std::less<>> methods;
  bool post_asks = false;  // POST changes nothing: its body is a question

  /// HEAD is answered by GET. Null when the method is not offered.
  [[nodiscard]] const Handler* find(std::string_view method) const;
  /// The value of an Allow field: every method, HEAD and OPTIONS included, in order.
  [[nodiscard]] std::string allow() const;
};

/// Finds the endpoint of a path, segment by segment. A literal segment is preferred to a {parameter}.
class RouteTree {
 public:
  RouteTree();
  RouteTree(const RouteTree&) = delete;
  RouteTree& operator=(const RouteTree&) = delete;
  ~RouteTree();

  /// Replaces the handler that the pattern has for the method so far, if any.
  void add(std::string_view method, std::string_view pattern, Handler handler);
  /// The same for a POST that changes nothing: who may read may send it.
  void add_question(std::string_view pattern, Handler handler);

  struct Match {
    const Endpoint* endpoint;
    std::vector<std::string> params;
  };
  [[nodiscard]] std::optional<Match> find(std::span<const std::string> segments) const;
  /// Every endpoint, sorted by pattern.
  [[nodiscard]] std::vector<const Endpoint*> endpoints() const;
  [[nodiscard]] std::vector<std::string> patterns() const;

 private:
  struct Node;
  Endpoint& endpoint(std::string_view pattern);
  [[nodiscard]] static const Endpoint* find(const Node& node, std::span<const std::string> rest,
                                            std::vector<std::string>& params);

  std::unique_ptr<Node> root_;
};

/// The segments of a path, decoded, without a trailing slash. Nothing when the path is malformed: a broken escape, a
/// hidden step upwards.
std::optional<std::vector<std::string>> path_segments(std::string_view path);

}  // namespace sluice::control::admin
