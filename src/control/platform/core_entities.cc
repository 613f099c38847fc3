// SPDX-License-Identifier: Apache-2.0
#include "control/platform/core_entities.h"

#include <algorithm>
#include <utility>

#include "control/admin/dispatch.h"
#include "control/admin/endpoints.h"
#include "control/platform/konnect_schemas.h"

namespace sluice::control::platform {
namespace {

constexpr std::size_t kKept = 16;  // half a megabyte each

bool is_read(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

admin::Parts admin_parts(const Parts& parts, planes::ControlPlane& plane) {
  return {.catalog = parts.catalog,
          .gateway = plane.gateway(),
          .settings = parts.settings,
          .store = plane.store(),
          .publisher = plane.publisher(),
          .plugins = parts.plugins,
          .node = parts.node,
          .storage = parts.storage,
          .tokens = parts.tokens,
          .database_reachable = parts.database_reachable};
}

}  // namespace

/// What it takes to answer for one control plane.
struct CoreEntities::Api {
  Api(const Parts& platform, planes::ControlPlane& plane) : lease(&plane), parts(admin_parts(platform, plane)) {
    admin::add_entities(tree, parts);
    admin::add_all_targets(tree, parts);
    admin::add_consumer_groups(tree, parts);
    admin::add_workspaces(tree, parts);
    admin::add_partials(tree, parts);
    admin::add_upstreams(tree, parts);
    admin::add_tags(tree, parts);
    admin::add_schemas(tree, parts);
    admin::add_openapi(tree, parts);
    admin::add_config(tree, parts);
    admin::add_batch(tree, parts);
    admin::add_explain(tree, parts);
    add_konnect_schemas(tree, parts);
  }

  planes::PlaneLease lease;
  const admin::Parts parts;
  admin::RouteTree tree;
};

std::shared_ptr<CoreEntities::Api> CoreEntities::api_of(planes::ControlPlane& plane) {
  // One that was deleted is not kept from going.
  std::erase_if(recent_, [&](const auto& api) { return parts_.planes.find(api->lease->id()) != &*api->lease; });
  const auto at = std::ranges::find_if(recent_, [&](const auto& api) { return &*api->lease == &plane; });
  if (at != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, at);
  } else {
    recent_.push_front(std::make_shared<Api>(parts_, plane));
    if (recent_.size() > kKept) recent_.pop_back();
  }
  return recent_.front();
}

Task<Reply> CoreEntities::answer(Uuid control_plane, std::string_view path, Request& request,
                                 std::string_view allowed_headers) {
  planes::ControlPlane* plane = parts_.planes.find(control_plane);
  if (plane == nullptr) {
    if (parts_.planes.book().find(control_plane) == nullptr) co_return Reply::message(404, "Not Found");
    Reply reply = Reply::message(503, "The control plane is being opened; try again");
    reply.headers.emplace_back("Retry-After", "1");
    co_return reply;
  }
  // Clients of this API replace; what changes a part of an entity would be lost on the next one's PUT.
  if (request.method == "PATCH") co_return Reply::message(405, "Method not allowed");
  const bool asks = path.starts_with("/schemas/") || path.starts_with("/v1/schemas/");
  if (plane->is_group() && !is_read(request.method) && !asks) {
    co_return Reply::message(403, "A control plane group shows what its members have: change those");
  }
  const std::shared_ptr<Api> api = api_of(*plane);
  Reply reply =
      co_await admin::dispatch(api->tree, &api->parts.store, path.empty() ? "/" : path, request, allowed_headers);
  co_return reply;
}

}  // namespace sluice::control::platform
