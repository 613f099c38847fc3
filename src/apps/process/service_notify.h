// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace sluice::process {

/// Tells the service manager about a change of state ("READY=1"), when there is one that listens (NOTIFY_SOCKET). As
/// sd_notify(3) specifies it.
void notify_service_manager(std::string_view state);

}  // namespace sluice::process
