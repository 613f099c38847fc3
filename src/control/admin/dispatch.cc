// SPDX-License-Identifier: Apache-2.0
#include "control/admin/dispatch.h"

#include <exception>
#include <utility>

#include "base/log.h"
#include "base/strings.h"

namespace sluice::control::admin {
namespace {

Reply options(const Endpoint& endpoint, std::string_view allowed_headers) {
  Reply reply = Reply::empty(204);
  reply.headers.emplace_back("Allow", endpoint.allow());
  reply.headers.emplace_back("Access-Control-Allow-Methods", endpoint.allow());
  reply.headers.emplace_back("Access-Control-Allow-Headers", allowed_headers);
  return reply;
}

/// Tries the path as it is, then behind the name of the only workspace: `/default/routes`, `/default/kong`.
std::optional<RouteTree::Match> find(const RouteTree& tree, std::vector<std::string> segments) {
  auto match = tree.find(segments);
  if (match || segments.empty() || segments.front() != "default") return match;
  segments.erase(segments.begin());
  if (segments.size() == 1 && segments.front() == "kong") segments.clear();
  return tree.find(segments);
}

bool reads(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

Task<Reply> run(const Handler& handler, const Request& request) {
  std::string what;
  try {
    Reply reply = co_await handler(request);
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
  return request;
}

Task<Reply> dispatch(const RouteTree& tree, std::string_view path, Request& request, std::string_view allowed_headers) {
  auto segments = path_segments(path);
  if (!segments) return Reply::message(400, "Bad request");
  auto match = find(tree, *std::move(segments));
  if (!match) return Reply::not_found();
  const Endpoint& endpoint = *match->endpoint;
  const auto action = reads(request.method) ? iam::Action::Read : iam::Action::Write;
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
