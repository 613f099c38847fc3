// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/forwarding_gateway.h"

namespace sluice::control::planes {

/// Stands before a control plane's gateway and refuses changes that would clash with other members of a group. What is
/// in the store already is let through: then the group shows the clash. Belongs to the control shard.
class MemberGuard final : public sync::ForwardingGateway {
 public:
  /// What speaks against a change, and a reservation of what it takes until the object is gone.
  class Claim {
   public:
    virtual ~Claim() = default;
    [[nodiscard]] virtual std::vector<sync::ConfigProblem> problems() const = 0;
  };
  using Check = std::function<std::unique_ptr<Claim>(const sync::Delta& delta)>;

  /// `gateway` outlives it.
  explicit MemberGuard(sync::LocalGateway& gateway) : ForwardingGateway(gateway) {}

  /// Asked before each new change from now on; empty: none.
  void set_check(Check check) { check_ = std::move(check); }

  using sync::LocalGateway::apply;
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override;

 private:
  Check check_;
};

}  // namespace sluice::control::planes
