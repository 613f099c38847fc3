// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>

#include "base/uuid.h"
#include "control/admin/route_tree.h"
#include "control/platform/parts.h"
#include "control/platform/problem.h"

// What the platform API offers beside the entities, by subject: each function adds its endpoints. `parts` outlives the
// tree.
namespace sluice::control::platform {

/// `/v2/control-planes`. plane_endpoints.cc
void add_planes(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/group-..`. group_endpoints.cc
void add_groups(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/nodes`, `/expected-config-..`. node_endpoints.cc
void add_nodes(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/dp-client-certificates`. certificate_endpoints.cc
void add_certificates(admin::RouteTree& tree, const Parts& parts);
/// `/konnect-api/api/runtime_groups`, `/v2/organizations/me`: what older clients ask for. legacy_endpoints.cc
void add_legacy(admin::RouteTree& tree, const Parts& parts);

/// The control plane that the path names first; the reply when there is none, as a problem.
std::expected<const planes::PlaneProfile*, Reply> plane_of(const Parts& parts, const Request& request);
/// The body as JSON, or the reply: only JSON is taken.
std::expected<Json, Reply> json_body(const Request& request);

}  // namespace sluice::control::platform
