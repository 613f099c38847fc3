// SPDX-License-Identifier: Apache-2.0
#include "control/admin/dispatch.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "control/publish/operation.h"
#include "entity/workspace.h"

namespace sluice::control::admin {
namespace {

Reply options(const Endpoint& endpoint, std::string_view allowed_headers) {
  Reply reply = Reply::empty(204);
  reply.headers.emplace_back("Allow", endpoint.allow());
  reply.headers.emplace_back("Access-Control-Allow-Methods", endpoint.allow());
  reply.headers.emplace_back("Access-Control-Allow-Headers", allowed_headers);
  return reply;
}

/// The workspace of that name.
std::optional<Uuid> find_workspace(const store::MemoryStore& store, const std::string& name) {
  if (name == entity::Workspace::kDefaultName) return Uuid{};
  const Uuid id = store.table(entity::Workspace::kName).find_unique("name", name);
  if (id.is_nil()) return std::nullopt;
  return id;
}

/// Tries the path as it is, then behind the name of a workspace: `/team/routes`, `/team/kong` for the node itself.
std::optional<RouteTree::Match> find(const RouteTree& tree, const store::MemoryStore* store,
                                     std::vector<std::string> segments, Uuid& workspace) {
  auto match = tree.find(segments);
  if (match || segments.empty() || store == nullptr) return match;
  const auto named = find_workspace(*store, segments.front());
  if (!named) return match;
  workspace = *named;
  segments.erase(segments.begin());
  if (segments.size() == 1 && segments.front() == "kong") segments.clear();
  return tree.find(segments);
}

/// Whether the client has what the reply would show. RFC 9110, 13.1.2.
bool unchanged(const Request& request, const Reply& reply) {
  if (request.if_none_match.empty() || request.method != "GET" || reply.status != 200) return false;
  return std::ranges::any_of(reply.headers, [&](const auto& header) {
    return header.first == "ETag" && publish::names_etag(request.if_none_match, header.second);
  });
}

bool reads(std::string_view method, const Endpoint& endpoint) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || (method == "POST" && endpoint.post_asks);
}

Task<Reply> run(const Handler& handler, const Request& request) {
  std::string what;
  try {
    Reply reply = co_await handler(request);
    if (unchanged(request, reply)) {
      reply.status = 304;
      reply.body.clear();
    }
    co_return reply;
  } catch (const std::exception& thrown) {
    what = thrown.what();
  }
  log::error("admin.handler_threw", {{"method", request.method}, {"error", what}});
  co_return Reply::message(500, "An unexpected error occurred");
}

std::string_view media_type(std::string_view content_type) {
  return trim(content_type.substr(0, content_type.find(';')));
}

}  // namespace

Request request_of(const http::RequestHead& head) {
  Request request;
  request.method = head.method;
  request.query = Query(head.query);
  if (const auto type = head.headers.get(http::Known::ContentType)) {
    request.content_type = *type;
    request.media_type = to_lower(media_type(*type));
  }
  if (const auto tags = head.headers.get("If-Match")) request.if_match = *tags;
  if (const auto tags = head.headers.get("If-None-Match")) request.if_none_match = *tags;
  return request;
}

Task<Reply> dispatch(const RouteTree& tree, const store::MemoryStore* store, std::string_view path, Request& request,
                     std::string_view allowed_headers) {
  auto segments = path_segments(path);
  if (!segments) return Reply::message(400, "Bad request");
  auto match = find(tree, store, *std::move(segments), request.workspace);
  if (!match) return Reply::not_found();
  const Endpoint& endpoint = *match->endpoint;
  const auto action = reads(request.method, endpoint) ? iam::Action::Read : iam::Action::Write;
  if (!iam::allow(request.who, action, endpoint.pattern)) return Reply::message(403, "Forbidden");
  if (request.method == "OPTIONS") return options(endpoint, allowed_headers);
  const Handler* handler = endpoint.find(request.method);
  if (handler == nullptr) {
    Reply reply = Reply::message(405, "Method not allowed");
    reply.headers.emplace_back("Allow", endpoint.allow());
    return reply;
  }
  request.params = std::move(match->params);
  return run(*handler, request);
}

Task<void> send(http::ServerStream& stream, const settings::Settings& settings, Reply reply) {
  http::ResponseHead head(stream.arena());
  head.status = reply.status;
  const bool has_content = reply.status != 204 && reply.status != 304;
  if (has_content) {
    head.headers.add("Content-Type", reply.content_type);
    head.framing = {http::Framing::Kind::Length, reply.body.size()};
  }
  for (const auto& [name, value] : reply.headers) head.headers.add(name, value);
  if (settings.headers.server) head.headers.add("Server", "kong/" + settings.compat_version);
  if (settings.headers.admin_latency) {
    const std::int64_t elapsed = stream.reactor().clock().mono_ns() - stream.started_ns();
    head.headers.add("X-Kong-Admin-Latency", std::to_string(elapsed / 1'000'000));
  }
  http::MemoryBody body(reply.body);
  const bool with_body = has_content && stream.request().method != "HEAD";
  const auto sent = co_await stream.respond(head, with_body ? &body : nullptr);
  if (!sent) log::debug("admin.response_lost", {{"error", sent.error()}});
}

}  // namespace sluice::control::admin
