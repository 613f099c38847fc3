// SPDX-License-Identifier: Apache-2.0
// What an ingress controller calls beside the entities. reference/konnect.md, 3.5.
#include <algorithm>
#include <utility>

#include "base/time.h"
#include "control/platform/endpoints.h"
#include "control/platform/ingress_nodes.h"
#include "entity/license.h"

namespace sluice::control::platform {
namespace {

using planes::PlaneLease;

constexpr std::size_t kPage = 100;

Reply not_found() {
  return Reply::message(404, "Not Found");
}

/// The control plane that the path names, while a task uses it; none for groups, which have nothing of their own.
PlaneLease plane_named(const Parts& parts, const Request& request) {
  const auto id = Uuid::parse(request.params.front());
  PlaneLease plane = id ? parts.planes.lease(*id) : PlaneLease();
  return plane && plane->durable() != nullptr ? std::move(plane) : PlaneLease();
}

/// The object in the body, or the reply.
std::expected<Json, Reply> read_object(const Request& request) {
  auto body = parse_json(request.body);
  if (body && body->is_object()) return *std::move(body);
  return std::unexpected(Reply::message(400, "Cannot parse JSON body"));
}

Reply shown(int status, const IngressNode& node) {
  return Reply::json(status, Json::Object{{"item", node.to_json()}});
}

Task<Reply> list_nodes(const Parts& parts, const Request& request) {
  const PlaneLease plane = plane_named(parts, request);
  if (!plane) co_return not_found();
  const auto nodes = co_await IngressNodes(*plane->durable()).list();
  if (!nodes) co_return message_of(nodes.error());
  const std::string* cursor = request.query.find("page.next_cursor");
  const auto is_later = [&](const IngressNode& node) { return cursor == nullptr || node.id.to_string() > *cursor; };
  auto at = std::ranges::find_if(*nodes, is_later);
  Json::Array items;
  std::string last;
  for (; at != nodes->end() && items.size() < kPage; ++at) {
    items.push_back(at->to_json());
    last = at->id.to_string();
  }
  const bool more = at != nodes->end();
  Json::Object page{
      {"total_count", nodes->size()}, {"has_next_page", more}, {"next_cursor", more ? last : std::string()}};
  co_return Reply::json(200, Json::Object{{"items", std::move(items)}, {"page", std::move(page)}});
}

/// Those that have not been heard of for as long as data planes are remembered make room.
Task<Result<std::size_t>> count_without_stale(const Parts& parts, const IngressNodes& nodes) {
  CO_TRY(const auto all, co_await nodes.list());
  const std::int64_t oldest =
      unix_seconds() - std::chrono::duration_cast<Seconds>(parts.settings.cluster_data_plane_purge_delay).count();
  std::size_t count = 0;
  for (const IngressNode& node : all) {
    const bool stale = node.updated_at < oldest;
    if (stale) {
      CO_TRY(co_await nodes.erase(node.id));
    } else {
      ++count;
    }
  }
  co_return count;
}

Task<Reply> create_node(const Parts& parts, const Request& request) {
  const PlaneLease plane = plane_named(parts, request);
  if (!plane) co_return not_found();
  const auto body = read_object(request);
  if (!body) co_return body.error();
  IngressNode node;
  node.id = Uuid::random();
  if (const auto read = node.read(*body); !read) co_return Reply::message(400, read.error().what);
  node.created_at = node.updated_at = unix_seconds();
  const IngressNodes nodes(*plane->durable());
  const auto count = co_await count_without_stale(parts, nodes);
  if (!count) co_return message_of(count.error());
  if (*count >= IngressNodes::kMost) {
    co_return Reply::message(400, "there are " + std::to_string(IngressNodes::kMost) + " nodes already");
  }
  const auto done = co_await nodes.put(node);
  co_return done ? shown(201, node) : message_of(done.error());
}

/// The node that the path names, as it is kept; or the reply.
Task<std::expected<IngressNode, Reply>> node_named(const PlaneLease& plane, const Request& request) {
  const auto id = Uuid::parse(request.params[1]);
  if (!plane || !id) co_return std::unexpected(not_found());
  auto found = co_await IngressNodes(*plane->durable()).find(*id);
  if (!found) co_return std::unexpected(message_of(found.error()));
  if (!*found) co_return std::unexpected(not_found());
  co_return **std::move(found);
}

Task<Reply> read_node(const Parts& parts, const Request& request) {
  const PlaneLease plane = plane_named(parts, request);
  const auto node = co_await node_named(plane, request);
  co_return node ? shown(200, *node) : node.error();
}

Task<Reply> update_node(const Parts& parts, const Request& request) {
  const PlaneLease plane = plane_named(parts, request);
  auto node = co_await node_named(plane, request);
  if (!node) co_return std::move(node).error();
  const auto body = read_object(request);
  if (!body) co_return body.error();
  const Uuid id = node->id;
  const std::int64_t created = node->created_at;
  if (const auto read = node->read(*body); !read) co_return Reply::message(400, read.error().what);
  node->id = id;
  node->created_at = created;
  node->updated_at = unix_seconds();
  const auto done = co_await IngressNodes(*plane->durable()).put(*node);
  co_return done ? shown(200, *node) : message_of(done.error());
}

Task<Reply> remove_node(const Parts& parts, const Request& request) {
  const PlaneLease plane = plane_named(parts, request);
  const auto node = co_await node_named(plane, request);
  if (!node) co_return node.error();
  const auto done = co_await IngressNodes(*plane->durable()).erase(node->id);
  co_return done ? Reply::empty(204) : message_of(done.error());
}

/// Those of the control plane, newest first: a controller takes the first one. Nothing here depends on any.
Reply licenses(const Parts& parts, const Request& request) {
  const PlaneLease plane = plane_named(parts, request);
  if (!plane) return not_found();
  std::vector<std::pair<std::int64_t, Json>> found;
  for (const auto& [id, document] : plane->store().table(entity::License::kName).rows()) {
    const auto license = parse_json(*document);
    if (!license) continue;
    const Json* updated = license->find("updated_at");
    const std::int64_t when = updated != nullptr && updated->is_int() ? updated->as_int() : 0;
    found.emplace_back(
        when, Json::Object{{"id", id.to_string()}, {"payload", *license->find("payload")}, {"updated_at", when}});
  }
  if (found.empty()) return not_found();
  std::ranges::sort(found, std::ranges::greater(), [](const auto& one) { return one.first; });
  Json::Array items;
  for (auto& [when, item] : found) items.push_back(std::move(item));
  return Reply::json(200, Json::Object{{"items", std::move(items)}});
}

}  // namespace

void add_ingress(admin::RouteTree& tree, const Parts& parts) {
  const std::string one = "/kic/api/control-planes/{id}/v1";
  const std::string nodes = one + "/kic-nodes";
  tree.add("GET", nodes, [&parts](const Request& request) { return list_nodes(parts, request); });
  tree.add("POST", nodes, [&parts](const Request& request) { return create_node(parts, request); });
  tree.add("GET", nodes + "/{node}", [&parts](const Request& request) { return read_node(parts, request); });
  tree.add("PUT", nodes + "/{node}", [&parts](const Request& request) { return update_node(parts, request); });
  tree.add("DELETE", nodes + "/{node}", [&parts](const Request& request) { return remove_node(parts, request); });
  tree.add("GET", one + "/licenses", [&parts](const Request& request) { return licenses(parts, request); });
}

}  // namespace sluice::control::platform
