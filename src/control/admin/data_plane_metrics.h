// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/cluster/node_book.h"

namespace sluice::control::admin {

/// The books of nodes of an installation's control planes, by the control plane's name.
using NodeBooks = std::vector<std::pair<std::string, const cluster::NodeBook*>>;

/// What a control plane says of its data planes in `GET /metrics`, text exposition format 0.0.4: the three families
/// that Kong has, reference/gateway.md, 9.4, and whether each node serves what it should, which Kong's digests as
/// numbers leave to the reader. Empty without nodes.
[[nodiscard]] std::string data_plane_metrics(const NodeBooks& books);

}  // namespace sluice::control::admin
