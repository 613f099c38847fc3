// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/proxy/gateway_options.h"
#include "settings/settings.h"

namespace sluice::apps {

/// What settings say about proxying, without anything that takes a file.
gateway::GatewayOptions gateway_options(const settings::Settings& settings);

}  // namespace sluice::apps
