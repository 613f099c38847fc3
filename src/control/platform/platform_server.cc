// SPDX-License-Identifier: Apache-2.0
#include "control/platform/platform_server.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "control/admin/body.h"
#include "control/admin/dispatch.h"
#include "control/platform/endpoints.h"

namespace sluice::control::platform {
namespace {

constexpr std::string_view kPlanes = "/v2/control-planes";

/// Other names of the same: each stands for what is behind it.
struct Alias {
  std::string_view old_name;
  std::string_view name;
};
constexpr std::array kAliases = {Alias{"/v2/runtime-groups", kPlanes}};

/// Everything below these is an API's; the rest is the console's.
constexpr std::array<std::string_view, 6> kApis = {"/v0", "/v1", "/v2", "/v3", "/konnect-api", "/kic"};

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool is_api(std::string_view path) {
  for (const std::string_view folder : kApis) {
    if (is_below(path, folder)) return true;
  }
  return false;
}

/// The path by its present name; `made` holds it if it had another.
std::string_view present_name(std::string_view path, std::string& made) {
  for (const Alias& alias : kAliases) {
    if (!is_below(path, alias.old_name)) continue;
    made = std::string(alias.name) + std::string(path.substr(alias.old_name.size()));
    return made;
  }
  return path;
}

/// A path into the entities of a control plane: its id as it is written, and what is behind.
struct EntityPath {
  std::string_view id;
  std::string_view rest;
};

/// Of `/v2/control-planes/{id}/core-entities/..`, and of `/konnect-api/api/runtime_groups/{id}/..`, its older form.
std::optional<EntityPath> entity_path(std::string_view path) {
  constexpr std::string_view kOld = "/konnect-api/api/runtime_groups/";
  constexpr std::string_view kEntities = "/core-entities";
  const bool old = path.starts_with(kOld);
  if (!old && !(is_below(path, kPlanes) && path.size() > kPlanes.size())) return std::nullopt;
  path.remove_prefix(old ? kOld.size() : kPlanes.size() + 1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const EntityPath found{path.substr(0, end), path.substr(end)};
  if (found.id.empty()) return std::nullopt;
  if (old) return found;
  if (!is_below(found.rest, kEntities)) return std::nullopt;
  return EntityPath{found.id, found.rest.substr(kEntities.size())};
}

/// Whether errors have the older form there: in the parts of a control plane that data planes and entities are.
bool has_older_errors(std::string_view path) {
  for (const std::string_view part : {"/nodes", "/expected-config-", "/dp-client-certificates"}) {
    if (path.contains(part)) return true;
  }
  return path.starts_with("/konnect-api/");
}

bool has_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

PlatformServer::PlatformServer(Parts parts, rt::Reactor& control)
    : parts_(std::move(parts)),
      access_(parts_.settings, parts_.tokens),
      entities_(parts_),
      console_(parts_.console, control) {
  add_planes(tree_, parts_);
  add_groups(tree_, parts_);
  add_nodes(tree_, parts_);
  add_certificates(tree_, parts_);
  add_legacy(tree_, parts_);
}

Task<void> PlatformServer::handle(http::ServerStream& stream) {
  Reply reply = co_await answer(stream);
  access_.add_cors(stream.request(), reply);
  co_await admin::send(stream, parts_.settings, std::move(reply));
}

Task<Reply> PlatformServer::answer(http::ServerStream& stream) {
  const http::RequestHead& head = stream.request();
  if (!admin::path_segments(head.path)) {
    stream.close_after_response();
    co_return problem(400, "The path is malformed.");
  }
  std::string renamed;
  const std::string_view path = present_name(head.path, renamed);
  if (is_api(path)) {
    Reply reply = co_await answer_api(stream, path);
    const bool older = entity_path(path) || has_older_errors(path);
    if (!older) make_problem(reply);
    co_return reply;
  }
  // The console's files are no secret: it is they who ask for the token.
  if (auto refusal = access_.check_host(head, stream.connection())) co_return *std::move(refusal);
  if (head.method == "GET" || head.method == "HEAD") co_return co_await console_.answer(head);
  stream.close_after_response();
  co_return problem(404, "There is nothing here that could be changed.");
}

Task<Reply> PlatformServer::answer_api(http::ServerStream& stream, std::string_view path) {
  const http::RequestHead& head = stream.request();
  Request request = admin::request_of(head);
  request.reactor = &stream.reactor();
  if (auto refusal = access_.enter(head, stream.connection(), request.who)) {
    stream.close_after_response();  // its body is not read
    co_return *std::move(refusal);
  }
  if (has_body(head.method)) {
    auto body = co_await admin::read_body(stream, parts_.settings.admin_max_body_size.count);
    if (!body) {
      stream.close_after_response();
      const bool large = body.error().code == Errc::TooLarge;
      co_return large ? Reply::message(413, "Payload too large") : Reply::message(400, body.error().what);
    }
    request.body = *std::move(body);
  }
  const std::string_view headers = access_.allowed_headers();
  if (const auto entities = entity_path(path)) {
    const auto id = Uuid::parse(entities->id);
    if (!id) co_return Reply::message(404, "Not Found");
    co_return co_await entities_.answer(*id, entities->rest, request, headers);
  }
  co_return co_await admin::dispatch(tree_, nullptr, path, request, headers);
}

Task<void> PlatformServer::refuse(http::ServerStream& stream, int status, std::string_view why) {
  co_await admin::send(stream, parts_.settings, problem(status, why));
}

}  // namespace sluice::control::platform
