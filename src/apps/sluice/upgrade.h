// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sluice::apps {

/// Below the prefix: the number of the process that signals go to.
inline constexpr const char* kPidFile = "pids/sluice.pid";

/// Writes down how an upgrade ended, for `sluice upgrade`, which waits for it. No problem: it is done.
void report_upgrade(const std::string& prefix, std::string_view problem);

}  // namespace sluice::apps
