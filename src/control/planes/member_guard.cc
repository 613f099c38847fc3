// SPDX-License-Identifier: Apache-2.0
#include "control/planes/member_guard.h"

namespace sluice::control::planes {

Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> MemberGuard::apply(sync::Delta delta,
                                                                                        sync::CommitStep commit) {
  if (!check_ || !commit) co_return co_await gateway().apply(std::move(delta), std::move(commit));
  const std::unique_ptr<Claim> claim = check_(delta);
  if (claim != nullptr) {
    auto problems = claim->problems();
    if (!problems.empty()) co_return std::unexpected(std::move(problems));
  }
  auto outcome = co_await gateway().apply(std::move(delta), std::move(commit));
  co_return outcome;
}

}  // namespace sluice::control::planes
