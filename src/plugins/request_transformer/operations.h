// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "plugins/request_transformer/template.h"

namespace sluice::plugins {

/// `name:value`: the name ends at the first colon, and a run of colons after it belongs to neither.
struct PairView {
  std::string_view name;
  std::string_view value;

  static PairView split(std::string_view text);
};

/// What is to be done to one part of a message, with the values of this request. Names borrow from the
/// configuration, values from it or from the exchange.
struct RenderedOperationsView {
  using Pairs = std::vector<PairView>;
  std::vector<std::string_view> remove;
  Pairs rename;
  Pairs replace;
  Pairs add;
  Pairs append;
};

/// What is to be done to one part of a message (headers, arguments, content), as it is configured.
class Operations {
 public:
  struct Texts {
    const std::vector<std::string>& remove;
    const std::vector<std::string>& rename;
    const std::vector<std::string>& replace;
    const std::vector<std::string>& add;
    const std::vector<std::string>& append;
  };
  /// The texts have passed validation.
  explicit Operations(const Texts& texts);

  [[nodiscard]] bool empty() const;
  /// Evaluates every template, also of operations that will turn out to have nothing to do.
  [[nodiscard]] Result<RenderedOperationsView> render(TemplateEnvironment& environment, Arena& arena) const;

 private:
  using Compiled = std::vector<std::pair<std::string, Template>>;

  std::vector<std::string> remove_;
  Compiled rename_;
  Compiled replace_;
  Compiled add_;
  Compiled append_;
};

}  // namespace sluice::plugins
