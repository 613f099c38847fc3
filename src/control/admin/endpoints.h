// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "control/admin/parts.h"
#include "control/admin/route_tree.h"

// What the Admin API offers, by subject: each function adds its endpoints. Later ones replace what earlier ones said of
// the same path. `parts` outlives the tree.
namespace sluice::control::admin {

/// `/services`, `/services/{services}/routes`, ...: generic over the catalog. entity_endpoints.cc
void add_entities(RouteTree& tree, const Parts& parts);
/// `/targets`: those of all upstreams, which only the platform API has. entity_endpoints.cc
void add_all_targets(RouteTree& tree, const Parts& parts);
/// `/consumer_groups/..`: a group is shown with its members. consumer_group_endpoints.cc
void add_consumer_groups(RouteTree& tree, const Parts& parts);
/// `/workspaces/..`: the default one is always there. workspace_endpoints.cc
void add_workspaces(RouteTree& tree, const Parts& parts);
/// `/partials/{partials}/links`. partial_endpoints.cc
void add_partials(RouteTree& tree, const Parts& parts);
/// `/upstreams/{upstreams}/targets`, `/health`, and what operators say of targets. upstream_endpoints.cc
void add_upstreams(RouteTree& tree, const Parts& parts);
/// `/tags`. tag_endpoints.cc
void add_tags(RouteTree& tree, const Parts& parts);
/// `/schemas/..`, `/plugins/enabled`, `/plugins/schema/{name}`. schema_endpoints.cc
void add_schemas(RouteTree& tree, const Parts& parts);
/// What `POST /schemas/{name}/validate` answers, for a DAO name. schema_endpoints.cc
Reply validate_entity(const Parts& parts, const Request& request, std::string_view name);
/// `/`, `/status`, `/metrics` and smaller ones; `requests` are those that the server itself took so far.
/// node_endpoints.cc
void add_node(RouteTree& tree, const Parts& parts, const std::uint64_t& requests);
/// `/debug/node/log-level`, `/timers`, `/cache` and others that say that there is nothing. debug_endpoints.cc
void add_debug(RouteTree& tree, const Parts& parts);
/// `/clustering/data-planes`, `/clustering/status`. clustering_endpoints.cc
void add_clustering(RouteTree& tree, const Parts& parts);
/// `/status` and `/metrics` alone. node_endpoints.cc
void add_status(RouteTree& tree, const Parts& parts, const std::uint64_t& requests);
/// `/openapi.json`, `/v1/schemas/json/..`. openapi_endpoints.cc
void add_openapi(RouteTree& tree, const Parts& parts);
/// `/config`. config_endpoints.cc
void add_config(RouteTree& tree, const Parts& parts);
/// `/batch`, and PATCH of `/config`. batch_endpoints.cc
void add_batch(RouteTree& tree, const Parts& parts);
/// `/explain`. explain_endpoints.cc
void add_explain(RouteTree& tree, const Parts& parts);

}  // namespace sluice::control::admin
