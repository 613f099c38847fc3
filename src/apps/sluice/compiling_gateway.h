// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "gateway/config/snapshot_builder.h"
#include "rt/offload.h"
#include "rt/reactor.h"
#include "rt/turn.h"
#include "store/memory_store.h"
#include "sync/local.h"
#include "whole_gateway.h"

namespace sluice::apps {

/// What all compiling gateways of a process share. Lives on the control reactor.
class Compiler {
 public:
  /// Everything given outlives it.
  Compiler(const entity::Catalog& catalog, const gateway::PluginRegistry& plugins, gateway::router::Flavor flavor,
           rt::Reactor& control)
      : builder_(catalog, plugins, flavor), control_(control) {}
  Compiler(const Compiler&) = delete;
  Compiler& operator=(const Compiler&) = delete;

  /// A stand-in for the gateway of a control plane that only others serve; see WholeGateway. `store` and this outlive
  /// it.
  std::unique_ptr<sync::LocalGateway> make(const store::MemoryStore& store);

 private:
  friend class CompilingGateway;
  gateway::SnapshotBuilder builder_;
  rt::Reactor& control_;
  std::unique_ptr<rt::BlockingPool> thread_;  // made for the first that needs it
};

/// Compiles changes as a gateway would, one after the other, and serves nothing: what no data plane could serve is
/// refused before it is kept. Belongs to the control shard.
class CompilingGateway final : public sync::LocalGateway {
 public:
  /// `compiler` outlives it.
  explicit CompilingGateway(Compiler& compiler);
  CompilingGateway(const CompilingGateway&) = delete;
  CompilingGateway& operator=(const CompilingGateway&) = delete;

  using sync::LocalGateway::apply;
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override;
  [[nodiscard]] sync::NodeStatus status() const override;
  [[nodiscard]] std::string metrics() const override { return {}; }
  [[nodiscard]] Json explain(const sync::ExplainQuery& query) const override;
  [[nodiscard]] Json upstream_health(const Uuid& upstream) const override;

 private:
  Compiler& compiler_;
  gateway::Snapshot::Ref current_;
  rt::Turn::Line turns_ = rt::Turn::make_line();  // of apply(), in order; the first one has it
};

}  // namespace sluice::apps
