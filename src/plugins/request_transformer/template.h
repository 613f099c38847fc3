// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "plugins/request_transformer/expression.h"

namespace sluice::plugins {

/// A text with `$(expression)` in it, compiled once.
class Template {
 public:
  /// Fails with a message that names the expression when one is not supported.
  static Result<Template> parse(std::string_view text);
  /// The same; what is not supported fails when it is rendered.
  static Template compile(std::string_view text);

  /// nil and false render as nothing. The view lives as long as the template and the arena.
  [[nodiscard]] Result<std::string_view> render(TemplateEnvironment& environment, Arena& arena) const;

 private:
  std::vector<std::variant<std::string, Expression>> pieces_;
  std::string refused_;  // why it cannot be rendered
};

}  // namespace sluice::plugins
