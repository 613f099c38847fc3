// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/request_transformer/operations.h"

namespace sluice::plugins {

/// The arguments of a query or of urlencoded content, decoded and in order.
class Form {
 public:
  static Form parse(std::string_view text);

  /// Remove, rename, replace, add, append. Values of one name are replaced together.
  void edit(const RenderedOperationsView& operations);
  /// Adds all of the other's arguments behind these.
  void append(const Form& other);
  /// `a=1&flag&b=%20`; empty when there is none.
  [[nodiscard]] std::string encode() const;

 private:
  struct Argument {
    std::string name;
    std::optional<std::string> value;  // "?flag" has none
  };
  [[nodiscard]] bool has(std::string_view name) const;
  void remove(std::string_view name);
  void set(std::string_view name, std::string_view value);

  std::vector<Argument> arguments_;
};

}  // namespace sluice::plugins
