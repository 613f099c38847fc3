// SPDX-License-Identifier: Apache-2.0
#include "data_plane_status.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/time.h"
#include "control/admin/body.h"
#include "control/admin/dispatch.h"
#include "sync/version.h"

namespace sluice::apps {
namespace {

using control::admin::Reply;
using control::admin::Request;

constexpr std::uint64_t kMaxBody = 4096;

/// "1.42" of ours, another product's as it is.
std::string shown(const std::string& version) {
  const auto parsed = sync::parse_wire_version(version);
  return parsed ? to_string(*parsed) : version;
}

Json moment(std::int64_t ms) {
  return ms != 0 ? Json(format_rfc3339(ms)) : Json();
}

void gauge(std::string& text, std::string_view name, std::string_view help, double value) {
  text += fmt::format("# HELP {} {}\n# TYPE {} gauge\n{} {}\n", name, help, name, name, value);
}
void counter(std::string& text, std::string_view name, std::string_view help, std::uint64_t value) {
  text += fmt::format("# HELP {} {}\n# TYPE {} counter\n{} {}\n", name, help, name, name, value);
}

}  // namespace

DataPlaneStatus::DataPlaneStatus(const Parts& parts)
    : parts_(parts), upstreams_({parts_.catalog, parts_.gateway, parts_.settings, parts_.applier, parts_.node}, tree_) {
  tree_.add("GET", "/status", [this](const Request&) { return status(); });
  tree_.add("GET", "/status/ready", [this](const Request&) { return readiness(); });
  // Counts as a question, which who may only read can ask: it changes what probes are told, and nothing that is served.
  tree_.add_question("/status/ready", [this](const Request& request) { return set_readiness(request); });
  tree_.add("GET", "/metrics", [this](const Request&) { return metrics(); });
}

/// What is served: the version is the control plane's, the hash that of all of its rows.
Json::Object DataPlaneStatus::standing() const {
  const dataplane::Standing& now = parts_.applier.standing();
  return {{"version", now.version.empty() ? Json() : Json(shown(now.version))},
          {"hash", now.empty() ? Json() : Json(now.hash)},
          {"since", moment(now.since_ms)},
          {"rows", parts_.applier.state().rows.size()},
          {"on_disk", !parts_.cache.is_behind()}};
}

Json::Object DataPlaneStatus::link() const {
  const dataplane::LinkStatus& status = parts_.link.status();
  const std::string& id = parts_.applier.standing().control_plane;
  return {{"address", parts_.settings.cluster_control_plane},
          {"id", id.empty() ? Json() : Json(id)},
          {"connected", status.connected},
          {"since", moment(status.since_ms)},
          {"protocol", status.protocol.empty() ? Json() : Json(status.protocol)},
          {"last_error", status.last_error.empty() ? Json() : Json(status.last_error)},
          {"certificate_expires", moment(status.certificate_ends * 1000)}};
}

Reply DataPlaneStatus::status() const {
  const sync::NodeStatus node = parts_.gateway.status();
  Json::Object server{{"connections_accepted", node.connections_accepted},
                      {"connections_active", node.connections_active},
                      {"connections_handled", node.connections_accepted},
                      {"total_requests", node.total_requests + requests_}};
  return Reply::json(200, Json::Object{{"server", std::move(server)},
                                       {"configuration_hash", node.hash},
                                       {"configuration", standing()},
                                       {"control_plane", link()}});
}

Reply DataPlaneStatus::readiness() const {
  const sync::NodeStatus node = parts_.gateway.status();
  const bool leaving = draining_ || node.draining;
  const bool served = node.ready && !parts_.applier.standing().empty();
  Json::Object body = standing();
  body.set("connected", parts_.link.status().connected);
  body.set("message", leaving  ? "draining"
                      : served ? "ready"
                               : "no configuration available (empty configuration present)");
  return Reply::json(served && !leaving ? 200 : 503, std::move(body));
}

Reply DataPlaneStatus::set_readiness(const Request& request) {
  const auto body = control::admin::body_object(request);
  if (!body) return body.error();
  const Json* status = body->find("status");
  if (status == nullptr || !status->is_string() || status->as_string() != "draining") {
    return Reply::message(400, "status: expected one of: draining");
  }
  draining_ = true;
  return Reply::empty(204);
}

Reply DataPlaneStatus::metrics() const {
  std::string text = parts_.gateway.metrics();
  const dataplane::LinkStatus& link = parts_.link.status();
  const dataplane::Standing& now = parts_.applier.standing();
  const dataplane::Applier::Counts& counts = parts_.applier.counts();
  gauge(text, "kong_control_plane_connected", "Whether the control plane is connected.", link.connected ? 1 : 0);
  const std::int64_t away_ms = parts_.control.clock().mono_ms() - link.since_mono_ms;
  gauge(text, "sluice_data_plane_disconnected_seconds",
        "How long the control plane has been away; 0 while it is there.",
        link.connected || link.since_ms == 0 ? 0 : static_cast<double>(away_ms) / 1000);
  gauge(text, "kong_data_plane_cluster_cert_expiry_timestamp", "When the cluster certificate ends, Unix seconds.",
        static_cast<double>(link.certificate_ends));
  if (!now.empty()) {
    gauge(text, "sluice_data_plane_config_age_seconds", "How long the configuration that is served has been so.",
          static_cast<double>(std::max<std::int64_t>(0, parts_.control.clock().wall_ms() - now.since_ms)) / 1000);
  }
  if (link.copy_made_at != 0) {
    gauge(text, "sluice_data_plane_fallback_age_seconds", "How long ago the copy was signed that is served meanwhile.",
          static_cast<double>(parts_.control.clock().wall_ms()) / 1000 - static_cast<double>(link.copy_made_at));
  }
  gauge(text, "sluice_data_plane_config_on_disk", "Whether what is served would be there after a restart.",
        now.empty() || parts_.cache.is_behind() ? 0 : 1);
  counter(text, "sluice_data_plane_config_applied_total", "Configurations and changes brought into service.",
          counts.applied);
  counter(text, "sluice_data_plane_config_refused_total", "Configurations and changes that were not taken.",
          counts.refused);
  counter(text, "sluice_data_plane_config_ignored_total", "Fields and rows that only the control plane knows.",
          counts.ignored_fields);
  counter(text, "sluice_data_plane_connect_attempts_total", "Attempts to reach the control plane.", link.attempts);
  Reply reply = Reply::text(200, std::move(text));
  reply.content_type = "text/plain; charset=UTF-8";
  return reply;
}

Task<void> DataPlaneStatus::handle(http::ServerStream& stream) {
  ++requests_;
  Request request = control::admin::request_of(stream.request());
  request.who = {.kind = control::iam::Kind::Reader, .name = "status"};  // whoever reaches the port
  if (stream.request().path.contains("/upstreams/")) upstreams_.refresh();
  if (request.method == "POST") {
    auto body = co_await control::admin::read_body(stream, kMaxBody);
    if (!body) stream.close_after_response();
    if (body) request.body = *std::move(body);
  }
  Reply reply =
      co_await control::admin::dispatch(tree_, &upstreams_.store(), stream.request().path, request, "Content-Type");
  co_await control::admin::send(stream, parts_.settings, std::move(reply));
}

Task<void> DataPlaneStatus::refuse(http::ServerStream& stream, int status, std::string_view why) {
  Reply reply = Reply::message(status, why);
  co_await control::admin::send(stream, parts_.settings, std::move(reply));
}

}  // namespace sluice::apps
