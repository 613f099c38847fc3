// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <vector>

#include "store/memory_store.h"
#include "sync/forwarding_gateway.h"

namespace sluice::apps {

/// The gateway of a node with a store. A store may hold what this gateway cannot serve: another release wrote it, or
/// `plugins` names fewer than before. Then the gateway keeps what it serves, and this class makes good for it: each
/// later change is tried together with everything that the gateway has missed, so that the one that repairs the
/// configuration brings all of it into service. Until then changes are kept in the store without being served, unless
/// they are themselves what cannot be served. Belongs to the control shard.
class WholeGateway final : public sync::ForwardingGateway {
 public:
  /// Both outlive it.
  WholeGateway(sync::LocalGateway& gateway, const store::MemoryStore& store)
      : ForwardingGateway(gateway), store_(store) {}

  /// What the store holds is not what the gateway serves. The log says why.
  void fall_behind(const std::vector<sync::ConfigProblem>& problems);

  using sync::LocalGateway::apply;
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override;

 private:
  using Outcome = std::expected<sync::Applied, std::vector<sync::ConfigProblem>>;
  [[nodiscard]] sync::Delta whole_with(const sync::Delta& delta) const;
  Task<Outcome> catch_up(sync::Delta delta, sync::CommitStep commit);

  const store::MemoryStore& store_;
  bool behind_ = false;
};

}  // namespace sluice::apps
