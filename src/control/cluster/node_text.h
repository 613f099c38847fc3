// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "control/cluster/node_book.h"

namespace sluice::control::cluster {

/// A record as it is written down, and back. A record of another release lacks what it does not know.
Json to_json_value(const NodeRecord& node);
Result<NodeRecord> read_node(const Json& json);

/// {code, severity, description, resolution, affected_resources[{type,id}]}.
Json to_json_value(const sync::wire::CompatibilityIssue& issue);

}  // namespace sluice::control::cluster
