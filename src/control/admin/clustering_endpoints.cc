// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "control/admin/endpoints.h"
#include "control/admin/page.h"
#include "control/cluster/node_book.h"

namespace sluice::control::admin {
namespace {

using cluster::NodeBook;
using cluster::NodeRecord;

std::int64_t seconds(const store::SysTime& time) {
  return std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count();
}

/// A data plane as Kong's entity `clustering_data_planes` has it.
Json::Object show(const NodeRecord& node) {
  Json::Object labels;
  for (const auto& [key, value] : node.peer.labels) labels.append(key, value);
  Json certificate;
  if (node.certificate_expires) {
    certificate = Json::Object{{"expiry_timestamp", seconds(*node.certificate_expires)}};
  }
  return {{"id", node.peer.node_id.to_string()},
          {"ip", node.ip},
          {"hostname", node.peer.hostname},
          {"version", node.peer.kong_version},
          {"sync_status", cluster::to_string(node.sync_status)},
          {"config_hash", node.config_hash},
          {"last_seen", seconds(node.last_seen)},
          {"updated_at", seconds(node.last_seen)},
          {"labels", labels.empty() ? Json() : Json(std::move(labels))},
          {"cert_details", std::move(certificate)}};
}

const NodeBook* book_of(const Parts& parts) {
  return parts.nodes ? parts.nodes() : nullptr;
}

Reply no_control_plane() {
  return Reply::message(
      400, "this endpoint is only available when Kong is configured to run as Control Plane for the cluster");
}

Reply list(const Parts& parts, const Request& request) {
  const NodeBook* book = book_of(parts);
  if (book == nullptr) return no_control_plane();
  const auto page = Page::parse(request.query);
  if (!page) return page.error();
  const auto from = page->after_position();
  if (!from) return from.error();
  const auto nodes = book->list();
  const std::size_t begin = std::min(*from, nodes.size());
  const std::size_t end = begin + std::min(page->size, nodes.size() - begin);
  PageWriter writer;
  for (std::size_t i = begin; i < end; ++i) append_json(writer.open_entry(), show(*nodes[i]));
  return writer.finish(end < nodes.size() ? std::to_string(end) : "", "/clustering/data-planes",
                       repeated_arguments(request.query));
}

Reply read(const Parts& parts, const Request& request) {
  const NodeBook* book = book_of(parts);
  if (book == nullptr) return no_control_plane();
  const auto id = Uuid::parse(request.params.front());
  const NodeRecord* node = id ? book->find(*id) : nullptr;
  return node != nullptr ? Reply::json(200, show(*node)) : Reply::message(404, "Not found");
}

/// What tools older than the list of nodes ask.
Reply status(const Parts& parts) {
  const NodeBook* book = book_of(parts);
  if (book == nullptr) return no_control_plane();
  Json::Object all;
  for (const NodeRecord* node : book->list()) {
    Json::Object shown = show(*node);
    shown.erase("id");
    all.append(node->peer.node_id.to_string(), std::move(shown));
  }
  Reply reply = Reply::json(200, std::move(all));
  reply.headers.emplace_back("Deprecation", "true");
  return reply;
}

}  // namespace

void add_clustering(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/clustering/data-planes", [&parts](const Request& request) { return list(parts, request); });
  tree.add("GET", "/clustering/data-planes/{node}", [&parts](const Request& request) { return read(parts, request); });
  tree.add("GET", "/clustering/status", [&parts](const Request&) { return status(parts); });
}

}  // namespace sluice::control::admin
