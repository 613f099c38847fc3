// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace sluice::plugins {

/// A JSON Schema of draft 4, compiled once, then used from any thread. All keywords of the validation specification;
/// `$ref` within the schema only; `format` is an annotation. An integer is any number without a fraction.
class Draft4 {
 public:
  /// The error says where in the schema (as a JSON pointer) what is wrong.
  static Result<std::shared_ptr<const Draft4>> compile(std::string_view schema);

  [[nodiscard]] bool accepts(const Json& value) const;

  Draft4(const Draft4&) = delete;
  Draft4& operator=(const Draft4&) = delete;
  ~Draft4();

 private:
  struct Node;
  class Compiler;
  class Judge;
  explicit Draft4(Json document);

  Json document_;
  std::deque<Node> nodes_;
  const Node* root_ = nullptr;
};

}  // namespace sluice::plugins
