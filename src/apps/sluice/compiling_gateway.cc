// SPDX-License-Identifier: Apache-2.0
#include "compiling_gateway.h"

#include <utility>

#include "gateway/explain.h"
#include "gateway/health/health_report.h"

namespace sluice::apps {
namespace {

/// Both parts of what Compiler::make() makes, as one.
class Whole final : public sync::LocalGateway {
 public:
  Whole(Compiler& compiler, const store::MemoryStore& store) : compiling_(compiler), whole_(compiling_, store) {}

  using sync::LocalGateway::apply;
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override {
    return whole_.apply(std::move(delta), std::move(commit));
  }
  [[nodiscard]] sync::NodeStatus status() const override { return whole_.status(); }
  [[nodiscard]] std::string metrics() const override { return whole_.metrics(); }
  [[nodiscard]] Json explain(const sync::ExplainQuery& query) const override { return whole_.explain(query); }
  [[nodiscard]] Json dns() const override { return whole_.dns(); }
  [[nodiscard]] Json upstream_health(const Uuid& upstream) const override { return whole_.upstream_health(upstream); }

 private:
  CompilingGateway compiling_;
  WholeGateway whole_;
};

}  // namespace

std::unique_ptr<sync::LocalGateway> Compiler::make(const store::MemoryStore& store) {
  if (thread_ == nullptr) thread_ = std::make_unique<rt::BlockingPool>(1);
  return std::make_unique<Whole>(*this, store);
}

CompilingGateway::CompilingGateway(Compiler& compiler) : compiler_(compiler), current_(compiler.builder_.empty()) {}

Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> CompilingGateway::apply(sync::Delta delta,
                                                                                             sync::CommitStep commit) {
  rt::Turn turn(turns_, compiler_.control_);
  co_await turn;
  // Owned by the thread as well: whoever waits may go.
  auto work = [&builder = compiler_.builder_, base = current_,
               change = std::make_shared<sync::Delta>(std::move(delta))] {
    return builder.build(*base, std::move(*change));
  };
  const auto built = co_await rt::offload(*compiler_.thread_, compiler_.control_, std::move(work));
  if (!built) co_return std::unexpected(built.error());
  if (commit) {
    Task<bool> step = commit();
    const bool committed = co_await step;
    if (!committed) co_return std::unexpected(std::vector<sync::ConfigProblem>{});
  }
  // Freeing a large one takes longer than requests may wait.
  compiler_.thread_->submit([old = std::exchange(current_, *built)]() mutable { old.reset(); });
  co_return sync::Applied{current_->generation, current_->hash};
}

sync::NodeStatus CompilingGateway::status() const {
  sync::NodeStatus status;
  status.generation = current_->generation;
  status.hash = current_->hash;
  status.ready = true;
  return status;
}

Json CompilingGateway::explain(const sync::ExplainQuery& query) const {
  return gateway::explain_request(*current_, query);
}

/// Nobody here asks the targets.
Json CompilingGateway::upstream_health(const Uuid& upstream) const {
  const auto* found = current_->upstreams.find(upstream);
  return found != nullptr ? gateway::unasked_health_document(**found) : Json::object();
}

}  // namespace sluice::apps
