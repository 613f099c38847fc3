// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "control/admin/endpoints.h"
#include "control/admin/entity_view.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::admin {
namespace {

/// A target with its document.
struct Target {
  Uuid id;
  Json document;
};

/// An upstream's targets, newest first.
std::vector<Target> targets_of(const store::Space& space, const Uuid& upstream) {
  const store::Table& table = space.table(entity::Target::kName);
  std::vector<Target> targets;
  for (const Uuid& id : children(table, "upstream", upstream)) {
    targets.push_back({id, *parse_json(**table.find(id))});
  }
  const auto made = [](const Target& target) {
    const Json* time = target.document.find("created_at");
    return time != nullptr && time->is_number() ? time->number() : 0;
  };
  std::ranges::sort(
      targets, [&](const Target& a, const Target& b) { return made(a) != made(b) ? made(a) > made(b) : a.id < b.id; });
  return targets;
}

std::vector<std::string> tags_of(const Target& target) {
  std::vector<std::string> tags;
  const Json* list = target.document.find("tags");
  if (list == nullptr || !list->is_array()) return tags;
  for (const Json& tag : list->as_array()) tags.push_back(tag.as_string());
  return tags;
}

/// Lists targets by position: their order is not that of ids. `write` appends one.
template <class Write>
Reply list_targets(std::vector<Target> targets, const Request& request, const std::string& path, const Write& write,
                   Json::Object more) {
  const auto page = Page::parse(request.query);
  if (!page) return page.error();
  if (page->tags) {
    std::erase_if(targets, [&](const Target& target) { return !page->tags->admits(tags_of(target)); });
  }
  const auto from = page->after_position();
  if (!from) return from.error();
  const std::size_t begin = std::min(*from, targets.size());
  const std::size_t end = begin + std::min(page->size, targets.size() - begin);
  PageWriter writer;
  for (std::size_t i = begin; i < end; ++i) write(writer.open_entry(), targets[i]);
  return writer.finish(end < targets.size() ? std::to_string(end) : "", path, {}, std::move(more));
}

Uuid select_upstream(const store::Space& space, const Request& request) {
  return select(space, space.table(entity::Upstream::kName), request.params[0]);
}

Reply read_targets(const Parts& parts, const Request& request) {
  const View view(parts, request);
  const Uuid upstream = select_upstream(view.space, request);
  if (upstream.is_nil()) return Reply::not_found();
  const auto write = [](std::string& out, const Target& target) { append_json(out, target.document); };
  return list_targets(targets_of(view.space, upstream), request, "/upstreams/" + upstream.to_string() + "/targets",
                      write, {});
}

Reply read_all_targets(const Parts& parts, const Request& request) {
  const View view(parts, request);
  const Uuid upstream = select_upstream(view.space, request);
  if (upstream.is_nil()) return Reply::not_found();
  const store::Table& table = view.space.table(entity::Target::kName);
  return list_rows(view, table, children(table, "upstream", upstream), request.query,
                   "/upstreams/" + upstream.to_string() + "/targets/all", {});
}

// Health
// -------------------------------------------------------------------------------------------------------------------

bool serves(const Json& address) {
  const Json* health = address.find("health");
  return health == nullptr || !health->is_string() || health->as_string() != "UNHEALTHY";
}

std::int64_t weight_of(const Json& address) {
  const Json* weight = address.find("weight");
  return weight != nullptr && weight->is_int() ? weight->as_int() : 0;
}

/// Kong's `data` of one target, from what the gateway says of its addresses.
Json health_data(const Json& target, const Json::Array& addresses) {
  const std::string& name = target.find("target")->as_string();
  const std::size_t colon = name.rfind(':');
  std::int64_t total = 0;
  std::int64_t available = 0;
  for (const Json& address : addresses) {
    total += weight_of(address);
    available += serves(address) ? weight_of(address) : 0;
  }
  Json::Object weight{{"total", total}, {"available", available}, {"unavailable", total - available}};
  const auto port = parse_int<int>(name.substr(colon + 1));
  return Json::Object{{"host", name.substr(0, colon)},
                      {"port", port ? Json(*port) : Json()},
                      {"nodeWeight", *target.find("weight")},
                      {"weight", std::move(weight)},
                      {"addresses", addresses}};
}

/// Adds `health` and `data` to a target.
Json with_health(const Json& target, const Json& health) {
  Json shown = target;
  const Json* known = health.find(target.find("target")->as_string());
  const Json* state = known != nullptr ? known->find("health") : nullptr;
  const Json* addresses = known != nullptr ? known->find("addresses") : nullptr;
  shown.as_object().set("health", state != nullptr ? *state : Json("DNS_ERROR"));
  const Json::Array list = addresses != nullptr && addresses->is_array() ? addresses->as_array() : Json::Array{};
  shown.as_object().set("data", health_data(target, list));
  return shown;
}

/// Per cent of an upstream's weight that has to be exceeded for it to be up.
double threshold_of(const store::Space& space, const Uuid& upstream) {
  const auto document = parse_json(**space.table(entity::Upstream::kName).find(upstream));
  const Json* checks = document ? document->find("healthchecks") : nullptr;
  const Json* threshold = checks != nullptr ? checks->find("threshold") : nullptr;
  return threshold != nullptr && threshold->is_number() ? threshold->number() : 0;
}

/// Nobody has looked for the target's addresses yet, and nothing speaks against it.
bool is_unasked(const Json& shown) {
  const Json& data = *shown.find("data");
  const Json& health = *shown.find("health");
  return data.find("weight")->find("total")->as_int() == 0 && data.find("nodeWeight")->as_int() > 0 &&
         health != Json("DNS_ERROR") && health != Json("UNHEALTHY");
}

/// `?balancer_health=1`: the upstream as a whole.
Reply balancer_health(const Parts& parts, const Uuid& upstream, const std::vector<Target>& targets, const Json& health,
                      double threshold) {
  Json::Array hosts;
  std::int64_t total = 0;
  std::int64_t available = 0;
  bool unasked = false;
  for (const Target& target : targets) {
    const Json shown = with_health(target.document, health);
    const Json& data = *shown.find("data");
    unasked = unasked || is_unasked(shown);
    total += data.find("weight")->find("total")->as_int();
    available += data.find("weight")->find("available")->as_int();
    hosts.push_back(data);
  }
  const bool enough = static_cast<double>(available) * 100 > threshold * static_cast<double>(total);
  const bool up = total > 0 ? enough : unasked;
  const char* state = targets.empty() || up ? "HEALTHY" : "UNHEALTHY";
  Json::Object weight{{"total", total}, {"available", available}, {"unavailable", total - available}};
  Json::Object details{{"healthy", up}, {"weight", std::move(weight)}, {"hosts", std::move(hosts)}};
  Json::Object data{
      {"health", state}, {"balancer_health", state}, {"id", upstream.to_string()}, {"details", std::move(details)}};
  return Reply::json(200, Json::Object{{"data", std::move(data)}, {"next", nullptr}, {"node_id", parts.node.node_id}});
}

Reply read_health(const Parts& parts, const Request& request) {
  const View view(parts, request);
  const Uuid upstream = select_upstream(view.space, request);
  if (upstream.is_nil()) return Reply::not_found();
  const Json health = parts.gateway.upstream_health(upstream);
  const std::vector<Target> targets = targets_of(view.space, upstream);
  if (request.query.enabled("balancer_health")) {
    return balancer_health(parts, upstream, targets, health, threshold_of(view.space, upstream));
  }
  const auto write = [&](std::string& out, const Target& target) {
    append_json(out, with_health(target.document, health));
  };
  return list_targets(targets, request, "/upstreams/" + upstream.to_string() + "/health", write,
                      {{"node_id", parts.node.node_id}});
}

// What the operator says of it
// -------------------------------------------------------------------------------------------------------------------

/// "127.0.0.1:80" or "[::1]:80" of an address in a list of them.
std::string name_of(const Json& address) {
  const Json* ip = address.find("ip");
  const Json* port = address.find("port");
  const bool whole = ip != nullptr && ip->is_string() && port != nullptr && port->is_int();
  if (!whole) return {};
  const bool is_v4 = ip->as_string().find(':') == std::string::npos;
  return (is_v4 ? ip->as_string() : "[" + ip->as_string() + "]") + ":" + std::to_string(port->as_int());
}

/// Whether the gateway reaches the target under that address.
bool has_address(const Json& health, const std::string& target, const std::string& wanted) {
  const Json* known = health.find(target);
  const Json* addresses = known != nullptr ? known->find("addresses") : nullptr;
  return addresses != nullptr && addresses->is_array() &&
         std::ranges::any_of(addresses->as_array(), [&](const Json& one) { return name_of(one) == wanted; });
}

/// Takes a target, or one of its addresses, out of the turns of its upstream on this node, or puts it back.
Reply set_health(const Parts& parts, const Request& request, bool healthy) {
  const View view(parts, request);
  const Uuid upstream = select_upstream(view.space, request);
  if (upstream.is_nil()) return Reply::not_found();
  const store::Table& targets = view.space.table(entity::Target::kName);
  const Uuid id = select_child(targets, "upstream", upstream, request.params[1]);
  if (id.is_nil()) return Reply::not_found();
  const std::string target = store::member_texts(**targets.find(id), "target").front();
  const bool whole = request.params.size() < 3 || request.params[2] == target;
  if (!whole && !has_address(parts.gateway.upstream_health(upstream), target, request.params[2])) {
    return Reply::not_found();
  }
  const std::string place = whole ? target : target + "/" + request.params[2];
  return parts.gateway.set_health(upstream, place, healthy) ? Reply::empty(204) : Reply::not_found();
}

}  // namespace

void add_upstreams(RouteTree& tree, const Parts& parts) {
  const std::string upstream = "/upstreams/{upstreams}";
  tree.add("GET", upstream + "/targets", [&parts](const Request& request) { return read_targets(parts, request); });
  tree.add("GET", upstream + "/targets/all",
           [&parts](const Request& request) { return read_all_targets(parts, request); });
  tree.add("GET", upstream + "/health", [&parts](const Request& request) { return read_health(parts, request); });
  for (const std::string& target : {upstream + "/targets/{targets}", upstream + "/targets/{targets}/{address}"}) {
    tree.add("PUT", target + "/healthy", [&parts](const Request& request) { return set_health(parts, request, true); });
    tree.add("PUT", target + "/unhealthy",
             [&parts](const Request& request) { return set_health(parts, request, false); });
  }
}

}  // namespace sluice::control::admin
