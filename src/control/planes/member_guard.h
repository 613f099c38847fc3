// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/local.h"

namespace sluice::control::planes {

/// Stands before a control plane's gateway and refuses changes that would clash with other members of a group. What is
/// in the store already is let through: then the group shows the clash. Belongs to the control shard.
class MemberGuard final : public sync::LocalGateway {
 public:
  /// What speaks against a change, and a reservation of what it takes until the object is gone.
  class Claim {
   public:
    virtual ~Claim() = default;
    [[nodiscard]] virtual std::vector<sync::ConfigProblem> problems() const = 0;
  };
  using Check = std::function<std::unique_ptr<Claim>(const sync::Delta& delta)>;

  /// `gateway` outlives it.
  explicit MemberGuard(sync::LocalGateway& gateway) : gateway_(gateway) {}
  MemberGuard(const MemberGuard&) = delete;
  MemberGuard& operator=(const MemberGuard&) = delete;

  /// Asked before each new change from now on; empty: none.
  void set_check(Check check) { check_ = std::move(check); }

  using sync::LocalGateway::apply;
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override;
  [[nodiscard]] sync::NodeStatus status() const override { return gateway_.status(); }
  [[nodiscard]] std::string metrics() const override { return gateway_.metrics(); }
  [[nodiscard]] Json explain(const sync::ExplainQuery& query) const override { return gateway_.explain(query); }
  [[nodiscard]] Json dns() const override { return gateway_.dns(); }
  [[nodiscard]] Json upstream_health(const Uuid& upstream) const override { return gateway_.upstream_health(upstream); }
  bool set_health(const Uuid& upstream, const std::string& target, bool healthy) override {
    return gateway_.set_health(upstream, target, healthy);
  }

 private:
  sync::LocalGateway& gateway_;
  Check check_;
};

}  // namespace sluice::control::planes
