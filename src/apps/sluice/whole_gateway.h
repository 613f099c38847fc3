// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <vector>

#include "store/memory_store.h"
#include "sync/local.h"

namespace sluice::apps {

/// The gateway of a node with a store. A store may hold what this gateway cannot serve: another release wrote it, or
/// `plugins` names fewer than before. Then the gateway keeps what it serves, and this class makes good for it: each
/// later change is tried together with everything that the gateway has missed, so that the one that repairs the
/// configuration brings all of it into service. Until then changes are kept in the store without being served, unless
/// they are themselves what cannot be served. Belongs to the control shard.
class WholeGateway final : public sync::LocalGateway {
 public:
  /// Both outlive it.
  WholeGateway(sync::LocalGateway& gateway, const store::MemoryStore& store) : gateway_(gateway), store_(store) {}
  WholeGateway(const WholeGateway&) = delete;
  WholeGateway& operator=(const WholeGateway&) = delete;

  /// What the store holds is not what the gateway serves. The log says why.
  void fall_behind(const std::vector<sync::ConfigProblem>& problems);

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
  using Outcome = std::expected<sync::Applied, std::vector<sync::ConfigProblem>>;
  [[nodiscard]] sync::Delta whole_with(const sync::Delta& delta) const;
  Task<Outcome> catch_up(sync::Delta delta, sync::CommitStep commit);

  sync::LocalGateway& gateway_;
  const store::MemoryStore& store_;
  bool behind_ = false;
};

}  // namespace sluice::apps
