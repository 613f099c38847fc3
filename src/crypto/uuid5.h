// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/uuid.h"

namespace sluice::crypto {

/// The version 5 UUID of a name within a namespace. RFC 9562, 5.5.
[[nodiscard]] Uuid uuid_v5(const Uuid& space, std::string_view name);

/// RFC 9562's namespace for domain names.
[[nodiscard]] Uuid dns_namespace();

}  // namespace sluice::crypto
