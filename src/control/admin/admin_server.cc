// SPDX-License-Identifier: Apache-2.0
#include "control/admin/admin_server.h"

#include <utility>

#include "control/admin/body.h"
#include "control/admin/dispatch.h"
#include "control/admin/endpoints.h"

namespace sluice::control::admin {
namespace {

bool has_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

AdminServer::AdminServer(Parts parts)
    : parts_(std::move(parts)), access_(parts_.settings, parts_.tokens, parts_.accounts) {
  add_entities(tree_, parts_);
  add_consumer_groups(tree_, parts_);
  add_workspaces(tree_, parts_);
  add_partials(tree_, parts_);
  add_upstreams(tree_, parts_);
  add_tags(tree_, parts_);
  add_schemas(tree_, parts_);
  add_openapi(tree_, parts_);
  add_node(tree_, parts_, requests_);
  add_clustering(tree_, parts_);
  add_debug(tree_, parts_);
  add_config(tree_, parts_);
  add_batch(tree_, parts_);
  add_explain(tree_, parts_);
}

Task<void> AdminServer::handle(http::ServerStream& stream) {
  ++requests_;
  Reply reply = co_await answer(stream);
  access_.add_cors(stream.request(), reply);
  co_await send(stream, parts_.settings, std::move(reply));
}

Task<Reply> AdminServer::answer(http::ServerStream& stream) {
  const http::RequestHead& head = stream.request();
  Request request = request_of(head);
  request.reactor = &stream.reactor();
  if (!path_segments(head.path)) {
    stream.close_after_response();
    co_return Reply::message(400, "Bad request");
  }
  if (auto refusal = access_.enter(head, stream.connection(), request.who)) {
    stream.close_after_response();  // its body is not read
    co_return *std::move(refusal);
  }
  if (head.headers.count(http::Known::ContentType) > 1) {
    stream.close_after_response();
    co_return Reply::message(400, "Content-Type header appears more than once");
  }
  if (has_body(head.method)) {
    auto body = co_await read_body(stream, parts_.settings.admin_max_body_size.count);
    if (!body) {
      stream.close_after_response();
      const bool large = body.error().code == Errc::TooLarge;
      co_return large ? Reply::message(413, "Payload too large") : Reply::message(400, body.error().what);
    }
    request.body = *std::move(body);
  }
  Reply reply = co_await dispatch(tree_, &parts_.store, head.path, request, access_.allowed_headers());
  co_return reply;
}

Task<void> AdminServer::refuse(http::ServerStream& stream, int status, std::string_view why) {
  Reply reply = Reply::message(status, why);
  co_await send(stream, parts_.settings, std::move(reply));
}

}  // namespace sluice::control::admin
