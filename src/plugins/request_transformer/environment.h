// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/exchange.h"
#include "plugins/request_transformer/expression.h"

namespace sluice::plugins {

/// What templates see of a request. Everything is read before the plugin changes anything.
class ExchangeEnvironment final : public TemplateEnvironment {
 public:
  explicit ExchangeEnvironment(const gateway::Exchange& ex) : ex_(ex) {}

  [[nodiscard]] TemplateValueView find(TemplateTable table, std::string_view key) override;

 private:
  [[nodiscard]] TemplateValueView header(std::string_view name) const;
  [[nodiscard]] TemplateValueView argument(std::string_view name);
  [[nodiscard]] TemplateValueView capture(std::string_view key) const;

  using Argument = std::pair<std::string_view, std::optional<std::string_view>>;

  const gateway::Exchange& ex_;
  std::optional<std::vector<Argument>> arguments_;  // decoded, in the exchange's arena
};

}  // namespace sluice::plugins
