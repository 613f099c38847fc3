// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <utility>

#include "control/cluster/node_book.h"
#include "control/cluster/node_refusal.h"
#include "control/platform/endpoints.h"
#include "control/platform/ingress_nodes.h"
#include "control/platform/plane_view.h"

namespace sluice::control::platform {
namespace {

using cluster::NodeBook;
using cluster::NodeRecord;

std::int64_t seconds(const store::SysTime& time) {
  return std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count();
}

Json show(const Parts& parts, const sync::wire::CompatibilityIssue& issue) {
  Json::Array resources;
  for (const auto& [type, id] : issue.affected) {
    const auto* described = parts.catalog.find(type);
    resources.emplace_back(
        Json::Object{{"id", id.to_string()}, {"type", described != nullptr ? described->singular() : type}});
  }
  const bool bad = issue.severity == sync::wire::CompatibilityIssue::Severity::Error;
  return Json::Object{{"code", issue.code},
                      {"severity", bad ? "error" : "warning"},
                      {"description", issue.description},
                      {"resolution", issue.resolution},
                      {"affected_resources", std::move(resources)}};
}

std::string_view compatibility_of(const NodeRecord& node) {
  if (node.sync_status == cluster::SyncStatus::Unknown) return "COMPATIBILITY_STATE_UNKNOWN";
  const bool compatible = node.issues.empty() && node.sync_status == cluster::SyncStatus::Normal;
  return compatible ? "COMPATIBILITY_STATE_FULLY_COMPATIBLE" : "COMPATIBILITY_STATE_INCOMPATIBLE";
}

const std::string& shown_version(const NodeRecord& node) {
  return node.peer.is_sluice() ? node.peer.sluice_version : node.peer.kong_version;
}

/// The contract's fields, and behind them what we know beyond it.
Json show(const Parts& parts, const NodeBook& book, const NodeRecord& node) {
  Json::Array issues;
  for (const auto& issue : node.issues) issues.push_back(show(parts, issue));
  Json::Object labels;
  for (const auto& [key, text] : node.peer.labels) labels.append(key, text);
  Json::Object shown{
      {"id", node.peer.node_id.to_string()},
      {"version", shown_version(node)},
      {"hostname", node.peer.hostname},
      {"last_ping", seconds(node.last_seen)},
      {"type", "kong-proxy"},
      {"created_at", seconds(node.first_seen)},
      {"updated_at", seconds(node.last_seen)},
      {"config_hash", node.config_hash},
      {"compatibility_status", Json::Object{{"state", compatibility_of(node)}, {"issues", std::move(issues)}}},
      {"labels", std::move(labels)},
      {"ip", node.ip},
      {"connected", node.connected},
      {"protocol", node.protocol},
      {"product", node.peer.is_sluice() ? "sluice" : "kong"},
      {"compat_version", node.peer.kong_version},
      {"sync_status", cluster::to_string(node.sync_status)},
      {"in_sync", cluster::in_sync(node, book)},
      {"config_version", node.config_version ? Json(to_string(*node.config_version)) : Json()},
      {"config_since", seconds(node.config_since)},
      {"config_error", cluster::bounded_config_error(node.config_error)},
      {"certificate_fingerprint", node.certificate_fingerprint},
      {"certificate_expires", node.certificate_expires ? Json(seconds(*node.certificate_expires)) : Json()}};
  return shown;
}

/// One of the nodes of a control plane: a data plane, or what an ingress controller says of its cluster.
struct AnyNode {
  std::string id;
  const NodeRecord* data_plane = nullptr;
  const IngressNode* ingress = nullptr;
};

/// By id.
std::vector<AnyNode> all_nodes(const NodeBook* book, const std::vector<IngressNode>& ingress) {
  std::vector<AnyNode> all;
  for (const NodeRecord* node : book != nullptr ? book->list() : std::vector<const NodeRecord*>{}) {
    all.push_back({.id = node->peer.node_id.to_string(), .data_plane = node});
  }
  for (const IngressNode& node : ingress) all.push_back({.id = node.id.to_string(), .ingress = &node});
  std::ranges::sort(all, {}, &AnyNode::id);
  return all;
}

/// The contract's fields for one that says less than a data plane.
Json show(const IngressNode& node) {
  Json shown = node.to_json();
  if (shown.find("compatibility_status") != nullptr) return shown;
  shown.as_object().set("compatibility_status",
                        Json::Object{{"state", "COMPATIBILITY_STATE_UNKNOWN"}, {"issues", Json::array()}});
  return shown;
}

Task<Reply> list(const Parts& parts, const Request& request) {
  const auto open = open_plane(parts, request);
  if (!open) co_return open.error();
  const auto page = PageAfter::parse(request.query);
  if (!page) co_return page.error();
  const planes::PlaneLease plane(*open);
  std::vector<IngressNode> ingress;
  if (plane->durable() != nullptr) {
    auto told = co_await IngressNodes(*plane->durable()).list();
    if (!told) co_return message_of(told.error());
    ingress = *std::move(told);
  }
  const NodeBook* book = plane->nodes();
  const auto nodes = all_nodes(book, ingress);
  auto at = std::ranges::find_if(nodes, [&](const AnyNode& node) { return node.id > page->after; });
  Json::Array items;
  std::string last;
  for (; at != nodes.end() && items.size() < page->size; ++at) {
    items.push_back(at->ingress != nullptr ? show(*at->ingress) : show(parts, *book, *at->data_plane));
    last = at->id;
  }
  Json::Object numbers{{"total_count", nodes.size()}};
  if (at != nodes.end()) numbers.append("next", last);
  co_return Reply::json(200, Json::Object{{"items", std::move(items)}, {"page", std::move(numbers)}});
}

/// Why a node's release should be left behind; empty where it need not be.
std::string end_of_support(const Parts& parts, const NodeRecord& node) {
  constexpr int kServed = 2;  // older minor releases of ours; see sync/wire/projection.h, admit()
  if (node.sync_status == cluster::SyncStatus::VersionIncompatible) {
    return node.issues.empty() ? "This release is not served." : node.issues.front().description;
  }
  if (!node.peer.is_sluice()) return {};
  const auto own = sync::wire::parse_product_version(parts.node.version);
  const auto its = sync::wire::parse_product_version(node.peer.sluice_version);
  if (!own || !its || its->major != own->major || its->minor > own->minor - kServed) return {};
  return "Sluice " + node.peer.sluice_version + " is the oldest release that control planes of Sluice " +
         parts.node.version + " serve: bring it to " + parts.node.version + " before the next upgrade.";
}

/// Those whose release comes to an end.
Reply list_ending(const Parts& parts, const Request& request) {
  const auto plane = open_plane(parts, request);
  if (!plane) return plane.error();
  const auto page = PageAfter::parse(request.query);
  if (!page) return page.error();
  const NodeBook* book = (*plane)->nodes();
  std::size_t total = 0;
  Json::Array items;
  for (const NodeRecord* node : book != nullptr ? book->list() : std::vector<const NodeRecord*>{}) {
    std::string message = end_of_support(parts, *node);
    if (message.empty()) continue;
    ++total;
    const std::string id = node->peer.node_id.to_string();
    if (items.size() == page->size || (!page->after.empty() && id <= page->after)) continue;
    items.emplace_back(
        Json::Object{{"node_id", id}, {"node_version", shown_version(*node)}, {"message", std::move(message)}});
  }
  Json::Object numbers{{"total_count", total}};
  return Reply::json(200, Json::Object{{"items", std::move(items)}, {"page", std::move(numbers)}});
}

const NodeRecord* find(const NodeBook* book, const Request& request) {
  const auto id = Uuid::parse(request.params[1]);
  return id && book != nullptr ? book->find(*id) : nullptr;
}

Reply read(const Parts& parts, const Request& request) {
  const auto plane = open_plane(parts, request);
  if (!plane) return plane.error();
  const NodeBook* book = (*plane)->nodes();
  const NodeRecord* node = find(book, request);
  if (node == nullptr) return Reply::message(404, "Not Found");
  return Reply::json(200, Json::Object{{"item", show(parts, *book, *node)}});
}

Reply remove(const Parts& parts, const Request& request) {
  const auto plane = open_plane(parts, request);
  if (!plane) return plane.error();
  NodeBook* book = (*plane)->nodes();
  const NodeRecord* node = find(book, request);
  if (node == nullptr) return Reply::message(404, "Not Found");
  const Uuid id = node->peer.node_id;  // the record goes
  book->erase(id);
  return Reply::empty(204);
}

Reply expected_hash(const Parts& parts, const Request& request) {
  const auto plane = open_plane(parts, request);
  if (!plane) return plane.error();
  const NodeBook* book = (*plane)->nodes();
  constexpr std::int64_t kMillis = 1000;
  return Reply::json(200,
                     Json::Object{{"expected_hash", book != nullptr ? book->expected_hash() : std::string(32, '0')},
                                  {"created_at", (*plane)->profile().created_ms / kMillis},
                                  {"updated_at", (*plane)->changed_at()}});
}

Reply expected_version(const Parts& parts, const Request& request) {
  const auto plane = open_plane(parts, request);
  if (!plane) return plane.error();
  const NodeBook* book = (*plane)->nodes();
  const store::Version version = book != nullptr ? book->expected_version() : (*plane)->publisher().version();
  return Reply::json(
      200, Json::Object{{"expected_config_version", sync::to_wire(version)}, {"created_at", (*plane)->changed_at()}});
}

}  // namespace

std::expected<planes::ControlPlane*, Reply> open_plane(const Parts& parts, const Request& request) {
  const auto id = Uuid::parse(request.params.front());
  if (!id || parts.planes.book().find(*id) == nullptr) return std::unexpected(Reply::message(404, "Not Found"));
  planes::ControlPlane* plane = parts.planes.find(*id);
  if (plane != nullptr) return plane;
  Reply reply = Reply::message(503, "The control plane is being opened; try again");
  reply.headers.emplace_back("Retry-After", "1");
  return std::unexpected(std::move(reply));
}

void add_nodes(admin::RouteTree& tree, const Parts& parts) {
  const std::string one = "/v2/control-planes/{id}";
  tree.add("GET", one + "/nodes", [&parts](const Request& request) { return list(parts, request); });
  tree.add("GET", one + "/nodes/eol", [&parts](const Request& request) { return list_ending(parts, request); });
  tree.add("GET", one + "/nodes/{node}", [&parts](const Request& request) { return read(parts, request); });
  tree.add("DELETE", one + "/nodes/{node}", [&parts](const Request& request) { return remove(parts, request); });
  tree.add("GET", one + "/expected-config-hash",
           [&parts](const Request& request) { return expected_hash(parts, request); });
  tree.add("GET", one + "/expected-config-version",
           [&parts](const Request& request) { return expected_version(parts, request); });
}

}  // namespace sluice::control::platform
