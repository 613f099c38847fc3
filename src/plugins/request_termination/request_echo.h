// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "gateway/exchange.h"

namespace sluice::plugins {

/// The node that describes a request.
struct EchoSource {
  std::string node_id;
  std::string hostname;
};

/// A JSON document that shows how the gateway sees a request: the node, the request with its content, the matched
/// route and service. For debugging.
[[nodiscard]] std::string describe_request(const gateway::Exchange& ex, const EchoSource& node,
                                           std::string_view message, std::string_view content);

}  // namespace sluice::plugins
