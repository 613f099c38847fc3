// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace sluice::cli::openapi {

struct ConvertOptions {
  std::string base_name;                 // instead of the document's title
  std::vector<std::string> select_tags;  // instead of x-kong-tags
  bool ids = true;
  bool inso_compatible = false;       // names as inso made them, and no ids
  bool skip_route_by_header = false;  // no route per value of a required header
  bool reuse_services = false;        // one service for equal servers
  bool ignore_circular = false;       // leave out validators whose schemas refer to themselves; else an error
  bool generate_security = false;     // openid-connect from security schemes
};

/// An OpenAPI 3 document as a state file: a service for each level with servers of its own, a route for each operation,
/// and what the `x-kong-...` extensions ask for. reference/cloudnative.md, 5.4. Errors name the place in the document.
Result<Json> convert(const Json& document, const ConvertOptions& options);

}  // namespace sluice::cli::openapi
