// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sync/local.h"

namespace sluice::sync {

/// A gateway in front of another one that does something of its own about changes, and passes all else on.
class ForwardingGateway : public LocalGateway {
 public:
  /// `gateway` outlives it.
  explicit ForwardingGateway(LocalGateway& gateway) : gateway_(gateway) {}
  ForwardingGateway(const ForwardingGateway&) = delete;
  ForwardingGateway& operator=(const ForwardingGateway&) = delete;

  [[nodiscard]] NodeStatus status() const override { return gateway_.status(); }
  [[nodiscard]] std::string metrics() const override { return gateway_.metrics(); }
  [[nodiscard]] Json explain(const ExplainQuery& query) const override { return gateway_.explain(query); }
  [[nodiscard]] Json dns() const override { return gateway_.dns(); }
  [[nodiscard]] Json upstream_health(const Uuid& upstream) const override { return gateway_.upstream_health(upstream); }
  bool set_health(const Uuid& upstream, const std::string& target, bool healthy) override {
    return gateway_.set_health(upstream, target, healthy);
  }

 protected:
  [[nodiscard]] LocalGateway& gateway() const { return gateway_; }

 private:
  LocalGateway& gateway_;
};

}  // namespace sluice::sync
