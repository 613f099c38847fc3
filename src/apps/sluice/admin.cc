// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

#include <utility>

namespace sluice::apps {
namespace {

std::string to_lines(const std::vector<sync::ConfigProblem>& problems) {
  std::string lines;
  for (const sync::ConfigProblem& problem : problems) {
    lines.append(problem.type).append(" ").append(problem.id.to_string()).append(": ");
    if (!problem.field.empty()) lines.append(problem.field).append(": ");
    lines.append(problem.message).append("\n");
  }
  return lines;
}

}  // namespace

struct Admin::Parts {
  gateway::Node& node;
};

Admin::Admin(const settings::Settings& /*settings*/, const Vocabulary& /*vocabulary*/, gateway::Node& node,
             rt::Reactor& /*control*/, const gateway::GatewayOptions& /*options*/)
    : parts_(std::make_unique<Parts>(Parts{node})) {}

Admin::~Admin() = default;

bool Admin::take_first(sync::Delta delta, const std::string& /*text*/, std::string& problems) {
  auto applied = parts_->node.apply_now(std::move(delta));
  if (!applied) problems = to_lines(applied.error());
  return applied.has_value();
}

Task<std::string> Admin::replace(sync::Delta delta, std::string /*text*/) {
  auto applied = co_await parts_->node.apply(std::move(delta));
  co_return applied ? std::string{} : to_lines(applied.error());
}

Result<> Admin::listen() { return {}; }

}  // namespace sluice::apps
