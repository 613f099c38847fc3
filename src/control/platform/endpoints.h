// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>

#include "base/uuid.h"
#include "control/admin/route_tree.h"
#include "control/iam/front_door.h"
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
/// `/v2/control-planes/{id}/cluster-door`: where data planes come to, and what they are shown. door_endpoint.cc
void add_cluster_door(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/import-source`: what another gateway is configured with. import_endpoint.cc
void add_import(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/traffic`: the last hour. traffic_endpoint.cc
void add_traffic(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/dp-client-certificates`. certificate_endpoints.cc
void add_certificates(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/config-stores`, and their secrets. config_store_endpoints.cc
void add_config_stores(admin::RouteTree& tree, const Parts& parts);
/// `/v2/control-planes/{id}/versions`: every version of its entities, what lies between, the way back.
/// history_endpoints.cc
void add_history(admin::RouteTree& tree, const Parts& parts);
/// `/v1/search`: any entity of any control plane. search_endpoints.cc
void add_search(admin::RouteTree& tree, const Parts& parts);
/// `/kic/api/control-planes/{id}/v1/..`: what an ingress controller says of itself. ingress_endpoints.cc
void add_ingress(admin::RouteTree& tree, const Parts& parts);
/// `/konnect-api/api/runtime_groups`, `/v2/organizations/me`: what older clients ask for. legacy_endpoints.cc
void add_legacy(admin::RouteTree& tree, const Parts& parts);

/// `/v3/session`, `/v3/set-up`: signing in and out, the first account. session_endpoints.cc
void add_sessions(admin::RouteTree& tree, const Parts& parts, iam::FrontDoor& door);
/// `/v3/users`, `/v3/invites`. user_endpoints.cc
void add_users(admin::RouteTree& tree, const Parts& parts, iam::FrontDoor& door);
/// `/v3/users/me`: profile, password, sessions. account_endpoints.cc
void add_own_account(admin::RouteTree& tree, const Parts& parts, iam::FrontDoor& door);
/// `/v3/users/{user}/access-tokens`. token_endpoints.cc
void add_access_tokens(admin::RouteTree& tree, const Parts& parts);
/// `/v3/audit-logs`. audit_endpoints.cc
void add_audit(admin::RouteTree& tree, const Parts& parts);

/// The control plane that the path names first; the reply when there is none, as a problem.
std::expected<const planes::PlaneProfile*, Reply> plane_of(const Parts& parts, const Request& request);
/// The same, when it is open; the reply in the older form.
std::expected<planes::ControlPlane*, Reply> open_plane(const Parts& parts, const Request& request);
/// The body as JSON, or the reply: only JSON is taken.
std::expected<Json, Reply> json_body(const Request& request);

}  // namespace sluice::control::platform
