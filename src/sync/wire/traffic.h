// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "sync/traffic.h"

namespace sluice::sync::wire {

/// What a node of ours says of its traffic now and then: [{"requests","client_errors","server_errors","times":[..]}],
/// counted since it started. A notification; who does not know it ignores it.
inline constexpr std::string_view kTrafficReport = "sluice.traffic.v1.report";
std::string traffic_params(const Traffic& traffic);
/// Errc::Invalid for what no node of ours says. Classes of times that only one side knows are left out.
Result<Traffic> read_traffic(const Json& params);

}  // namespace sluice::sync::wire
