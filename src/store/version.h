// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "base/time.h"
#include "sync/version.h"

namespace sluice::store {

/// The version of a control plane's entities, and of what data planes serve.
using sync::parse_version;
using sync::to_string;
using sync::Version;

/// When something happened, by the wall clock.
using SysTime = std::chrono::sys_time<Millis>;

}  // namespace sluice::store
