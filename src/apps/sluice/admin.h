// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "configuration.h"
#include "gateway/node.h"

namespace sluice::apps {

/// The Admin API and status listeners of the process, and the store behind them. Lives on the control reactor.
class Admin {
 public:
  /// Everything given outlives it.
  Admin(const settings::Settings& settings, const Vocabulary& vocabulary, gateway::Node& node, rt::Reactor& control,
        const gateway::NodeParts& parts);
  ~Admin();

  /// The configuration of the start, before any listener is open. Blocks. False: `problems` says why.
  bool take_first(sync::Delta delta, std::string& problems);
  /// Replaces the configuration; empty when it is live, else everything that is wrong.
  Task<std::string> replace(sync::Delta delta);
  /// Opens admin_listen and status_listen.
  Result<> listen();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::apps
