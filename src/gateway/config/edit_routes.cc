// SPDX-License-Identifier: Apache-2.0
// Routes and services of a generation.
#include <algorithm>

#include "entity/all.h"
#include "gateway/config/edit.h"
#include "gateway/config/plugin_check.h"

namespace sluice::gateway {

void Edit::route(const Change& change) {
  if (change.after == nullptr) {
    next_->routes_by_id.erase(change.id);
    routes_removed_.push_back(change.id);
    return;
  }
  auto route = Shared<RouteConfig>::make();
  static_cast<entity::Route&>(*route) = catalog_.of<entity::Route>().read(*change.after);
  route->workspace = change.workspace;
  route->RouteFacts::protocols = protocol_bits(change.after->find("protocols"));
  route->takes_encoded_slashes = std::ranges::find(route->tags, kEncodedSlashesTag) != route->tags.end();
  route->path_handling_v1 = route->path_handling == "v1";
  route->strips_path = route->strip_path;
  route->keeps_host = route->preserve_host;
  route->flag_own_plugins(next_->plugins_by_anchor.contains(change.id));
  route->id_text = change.id.to_string();
  route->document = current_;
  next_->routes_by_id.insert(change.id, std::move(route));
  routes_changed_.push_back(change.id);
}

void Edit::service(const Change& change) {
  policy_changed();
  auto enabled = [](const Json* document) {
    const Json* value = document != nullptr ? document->find("enabled") : nullptr;
    return value == nullptr || !value->is_bool() || value->as_bool();
  };
  if (enabled(change.before) != enabled(change.after)) services_switched_.insert(change.id);
  if (change.after == nullptr) {
    next_->services.erase(change.id);
    return;
  }
  auto service = Shared<ServiceConfig>::make();
  static_cast<entity::Service&>(*service) = catalog_.of<entity::Service>().read(*change.after);
  service->workspace = change.workspace;
  service->id_text = change.id.to_string();
  service->document = current_;
  next_->services.insert(change.id, std::move(service));
}

std::optional<router::RouteSpec> Edit::route_spec(const RouteConfig& route) const {
  if (route.service) {
    const auto* service = next_->services.find(route.service.id);
    if (service != nullptr && !(*service)->enabled) return std::nullopt;  // as if the route did not exist
  }
  router::RouteSpec spec;
  spec.id = route.id.value;
  spec.name = route.name;
  spec.protocols.clear();
  for (const std::string& protocol : route.entity::Route::protocols) {
    if (auto parsed = router::parse_route_protocol(protocol)) spec.protocols.push_back(*parsed);
  }
  spec.methods = route.methods;
  spec.hosts = route.hosts;
  spec.paths = route.paths;
  for (const auto& [name, values] : route.headers) spec.headers.push_back({name, values});
  spec.snis = route.snis;
  for (const entity::Endpoint& source : route.sources) spec.sources.push_back({source.ip, source.port});
  for (const entity::Endpoint& destination : route.destinations)
    spec.destinations.push_back({destination.ip, destination.port});
  spec.regex_priority = route.regex_priority;
  spec.expression = route.expression;
  spec.priority = static_cast<std::uint64_t>(route.priority);
  spec.strip_path = route.strip_path;
  spec.created_at = route.created_at;
  // No ownership: the same generation's routes_by_id keeps the route, and both change together.
  spec.target = std::shared_ptr<const void>(std::shared_ptr<const void>(), &route);
  return spec;
}

/// Routes know whether plugin rows name them. One whose rows came or went is made anew for that.
void Edit::flag_own_plugins() {
  for (const Uuid& id : routes_to_flag_) {
    const auto* present = next_->routes_by_id.find(id);
    const bool has_rows = next_->plugins_by_anchor.contains(id);
    if (present == nullptr || (*present)->has_own_plugins == has_rows) continue;
    auto route = Shared<RouteConfig>::make(**present);
    route->flag_own_plugins(has_rows);
    next_->routes_by_id.insert(id, std::move(route));
    routes_changed_.push_back(id);
  }
}

void Edit::rebuild_routes() {
  flag_own_plugins();
  if (!services_switched_.empty()) {
    for (const auto& entry : next_->routes_by_id) {
      if (services_switched_.contains(entry.value->service.id)) routes_changed_.push_back(entry.key);
    }
  }
  std::vector<router::RouteSpec> upserts;
  upserts.reserve(routes_changed_.size());
  std::vector<Uuid> removals = routes_removed_;
  for (const Uuid& id : routes_changed_) {
    const auto* route = next_->routes_by_id.find(id);
    if (route == nullptr) continue;
    if (auto spec = route_spec(**route)) {
      upserts.push_back(std::move(*spec));
    } else {
      removals.push_back(id);
    }
  }
  if (upserts.empty() && removals.empty()) return;
  auto table = next_->routes->with(upserts, removals);
  if (table) {
    next_->routes = std::move(*table);
    return;
  }
  for (router::RouteProblem& found : table.error()) {
    problem("routes", found.id, std::move(found.field), std::move(found.message));
  }
}

}  // namespace sluice::gateway
