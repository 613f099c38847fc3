// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/uuid.h"

namespace sluice::sync {

/// The ten hexadecimal digits by which names of hosts tell control planes apart: "<digits>.cp.example.com".
std::string plane_prefix(const Uuid& control_plane);
/// Those that `server_name` begins with; empty where it names no control plane in particular.
std::string_view plane_prefix_in(std::string_view server_name);

}  // namespace sluice::sync
