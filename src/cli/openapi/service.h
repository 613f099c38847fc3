// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace sluice::cli::openapi {

struct ServiceInput {
  std::string name;
  const Json* servers = nullptr;            // null: none
  const Json* service_defaults = nullptr;   // x-kong-service-defaults; null: none
  const Json* upstream_defaults = nullptr;  // x-kong-upstream-defaults
  const std::vector<std::string>& tags;
  bool ids = true;
};

struct ServiceOutput {
  Json::Object service;
  std::optional<Json::Object> upstream;  // where several servers share the load, or defaults ask for one
};

/// The service for one `servers` list, and what stands behind it.
Result<ServiceOutput> make_service(const ServiceInput& input);

}  // namespace sluice::cli::openapi
