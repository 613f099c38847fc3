// SPDX-License-Identifier: Apache-2.0
#include "control/admin/status_server.h"

#include <algorithm>
#include <utility>

#include "control/admin/body.h"
#include "control/admin/dispatch.h"
#include "control/admin/endpoints.h"

namespace sluice::control::admin {
namespace {

constexpr std::uint64_t kMaxBody = 4096;

}  // namespace

StatusServer::StatusServer(Parts parts) : parts_(std::move(parts)) {
  add_status(tree_, parts_, requests_);
  add_upstreams(tree_, parts_);
  tree_.add("GET", "/status/ready", [this](const Request&) { return readiness(); });
  // Counts as a question, which who may only read can ask: it changes what probes are told, and nothing that is served.
  tree_.add_question("/status/ready", [this](const Request& request) { return set_readiness(request); });
}

Reply StatusServer::readiness() const {
  const sync::NodeStatus node = parts_.gateway.status();
  if (draining_ || node.draining) return Reply::message(503, "draining");
  if (std::ranges::all_of(node.hash, [](char c) { return c == '0'; })) {
    return Reply::message(503, "no configuration available (empty configuration present)");
  }
  if (!node.ready) return Reply::message(503, "not ready");
  return Reply::message(200, "ready");
}

Reply StatusServer::set_readiness(const Request& request) {
  const auto body = body_object(request);
  if (!body) return body.error();
  const Json* status = body->find("status");
  if (status == nullptr || !status->is_string() || status->as_string() != "draining") {
    return Reply::message(400, "status: expected one of: draining");
  }
  draining_ = true;
  return Reply::empty(204);
}

Task<void> StatusServer::handle(http::ServerStream& stream) {
  ++requests_;
  Request request = request_of(stream.request());
  request.who = {.kind = iam::Kind::Reader, .name = "status"};  // whoever reaches the port
  if (request.method == "POST") {
    auto body = co_await read_body(stream, kMaxBody);
    if (!body) stream.close_after_response();
    if (body) request.body = *std::move(body);
  }
  Reply reply = co_await dispatch(tree_, &parts_.store, stream.request().path, request, "Content-Type");
  co_await send(stream, parts_.settings, std::move(reply));
}

Task<void> StatusServer::refuse(http::ServerStream& stream, int status, std::string_view why) {
  Reply reply = Reply::message(status, why);
  co_await send(stream, parts_.settings, std::move(reply));
}

}  // namespace sluice::control::admin
