// SPDX-License-Identifier: Apache-2.0
#include "control/platform/platform_server.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/time.h"
#include "control/admin/body.h"
#include "control/admin/dispatch.h"
#include "control/iam/session_cookie.h"
#include "control/platform/endpoints.h"
#include "crypto/presented_certificate.h"

namespace sluice::control::platform {
namespace {

constexpr std::string_view kPlanes = "/v2/control-planes";
constexpr std::string_view kIngress = "/kic/api/control-planes/";
// Octets, where people sign in: whoever is nobody yet may not fill our memory.
constexpr std::uint64_t kMaxVisitorBody = 16 * 1024;

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

/// Of `/v3/users/{id}/..` with the id of who asks: `/v3/users/me/..`, where everybody may do what is theirs. Who may do
/// the same to all needs no other name.
std::string_view own_name(std::string_view path, const iam::Principal& who, std::string& made) {
  if (who.user.is_nil() || who.kind != iam::Kind::Reader) return path;
  const std::string own = "/v3/users/" + who.user.to_string();
  if (!is_below(path, own)) return path;
  made = "/v3/users/me" + std::string(path.substr(own.size()));
  return made;
}

/// A path into the entities of a control plane: its id as it is written, and what is behind.
struct EntityPath {
  std::string_view id;
  std::string_view rest;
};

/// Of `/v2/control-planes/{id}/core-entities/..`, of `/konnect-api/api/runtime_groups/{id}/..`, its older form, and of
/// `/kic/api/control-planes/{id}/..`, an ingress controller's.
std::optional<EntityPath> entity_path(std::string_view path) {
  constexpr std::string_view kOld = "/konnect-api/api/runtime_groups/";
  constexpr std::string_view kEntities = "/core-entities";
  const bool ingress = path.starts_with(kIngress);
  const bool old = path.starts_with(kOld);
  if (!old && !ingress && !(is_below(path, kPlanes) && path.size() > kPlanes.size())) return std::nullopt;
  path.remove_prefix(old ? kOld.size() : ingress ? kIngress.size() : kPlanes.size() + 1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const EntityPath found{path.substr(0, end), path.substr(end)};
  if (found.id.empty()) return std::nullopt;
  if (ingress && (is_below(found.rest, "/v1/kic-nodes") || is_below(found.rest, "/v1/licenses"))) return std::nullopt;
  if (old || ingress) return found;
  if (!is_below(found.rest, kEntities)) return std::nullopt;
  return EntityPath{found.id, found.rest.substr(kEntities.size())};
}

/// Whether errors have the older form there: in the parts of a control plane that data planes and entities are.
bool has_older_errors(std::string_view path) {
  for (const std::string_view part : {"/nodes", "/expected-config-", "/dp-client-certificates"}) {
    if (path.contains(part)) return true;
  }
  return path.starts_with("/konnect-api/") || path.starts_with(kIngress);
}

bool has_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

PlatformServer::PlatformServer(Parts parts, rt::Reactor& control)
    : parts_(std::move(parts)),
      access_(parts_.settings, parts_.tokens, parts_.accounts, admin::Access::Sessions::Taken),
      entities_(parts_),
      console_(parts_.console, control) {
  const bool has_proxy = parts_.settings.role == settings::Role::All && !parts_.settings.proxy_listen.empty();
  if (has_proxy) local_traffic_.emplace(parts_.planes, control, Uuid::parse(parts_.node.node_id).value_or(Uuid{}));
  add_planes(tree_, parts_);
  add_groups(tree_, parts_);
  add_nodes(tree_, parts_);
  add_cluster_door(tree_, parts_);
  add_traffic(tree_, parts_);
  add_import(tree_, parts_);
  add_certificates(tree_, parts_);
  add_config_stores(tree_, parts_);
  add_history(tree_, parts_);
  add_search(tree_, parts_);
  add_ingress(tree_, parts_);
  add_legacy(tree_, parts_);
  if (parts_.accounts == nullptr) return;
  door_ = std::make_unique<iam::FrontDoor>(*parts_.accounts, control);
  add_sessions(tree_, parts_, *door_);
  add_users(tree_, parts_, *door_);
  add_own_account(tree_, parts_, *door_);
  add_access_tokens(tree_, parts_);
  add_audit(tree_, parts_);
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

/// Fills in who it is from; or the reply with which it is refused. Where people sign in, whoever is nobody yet is a
/// visitor; a page of somebody else's is refused there too, lest it signs a browser in as somebody.
std::optional<Reply> PlatformServer::enter(http::ServerStream& stream, std::string_view path, Request& request) const {
  const http::RequestHead& head = stream.request();
  const http::ConnectionInfo& connection = stream.connection();
  const auto transport = connection.tls ? iam::Transport::Tls : iam::Transport::Plain;
  request.peer = connection.peer.is_set() ? connection.peer.ip().to_string() : "";
  request.agent = head.headers.get("User-Agent").value_or("");
  request.session = iam::shown_session(head, transport).value_or("");
  request.over_tls = connection.tls || head.headers.get("Origin").value_or("").starts_with("https://");
  auto refusal = access_.enter(head, connection, request.who);
  if (!refusal || !iam::is_front_door(path) || access_.check_host(head, connection)) return refusal;
  if (!access_.is_own_page(head)) return Reply::message(403, "Origin is not allowed");
  request.who = {iam::Kind::Visitor, "visitor"};
  return std::nullopt;
}

Task<Reply> PlatformServer::answer_api(http::ServerStream& stream, std::string_view path) {
  const http::RequestHead& head = stream.request();
  Request request = admin::request_of(head);
  request.reactor = &stream.reactor();
  if (auto refusal = enter(stream, path, request)) {
    stream.close_after_response();  // its body is not read
    co_return *std::move(refusal);
  }
  co_return co_await carry_out(stream, path, request);
}

Task<Reply> PlatformServer::carry_out(http::ServerStream& stream, std::string_view path, Request& request) {
  const http::RequestHead& head = stream.request();
  if (has_body(head.method)) {
    const std::uint64_t limit = iam::is_front_door(path) ? kMaxVisitorBody : parts_.settings.admin_max_body_size.count;
    auto body = co_await admin::read_body(stream, limit);
    if (!body) {
      stream.close_after_response();
      const bool large = body.error().code == Errc::TooLarge;
      co_return large ? Reply::message(413, "Payload too large") : Reply::message(400, body.error().what);
    }
    request.body = *std::move(body);
  }
  std::string own;
  path = own_name(path, request.who, own);
  const std::string_view headers = access_.allowed_headers();
  if (const auto entities = entity_path(path)) {
    const auto id = Uuid::parse(entities->id);
    if (!id) co_return Reply::message(404, "Not Found");
    co_return co_await entities_.answer(*id, entities->rest, request, headers);
  }
  co_return co_await admin::dispatch(tree_, nullptr, path, request, headers);
}

Task<void> PlatformServer::handle_ingress(http::ServerStream& stream) {
  Reply reply = co_await answer_ingress(stream);
  if (reply.status >= 400) stream.close_after_response();  // perhaps before its body was read
  co_await admin::send(stream, parts_.settings, std::move(reply));
}

Task<Reply> PlatformServer::answer_ingress(http::ServerStream& stream) {
  const http::RequestHead& head = stream.request();
  if (!head.path.starts_with(kIngress) || !admin::path_segments(head.path)) co_return Reply::not_found();
  const std::string_view rest = head.path.substr(kIngress.size());
  const auto id = Uuid::parse(rest.substr(0, rest.find('/')));
  const auto& tls = stream.connection().tls_info;
  if (!id || tls == nullptr || tls->client_certificate == nullptr) co_return Reply::not_found();
  const std::string fingerprint = tls->client_certificate->chain().front().sha256_hex();
  const auto pinned = parts_.planes.book().find_by_fingerprint(fingerprint);
  const auto own = std::ranges::find(pinned, *id, &planes::PinnedCertificate::control_plane);
  // Elsewhere a pinned certificate is a data plane's, which reads and never writes.
  const planes::PlaneProfile* plane = parts_.planes.book().find(*id);
  const bool may_write = plane != nullptr && plane->cluster_type == planes::kIngressType;
  if (own == pinned.end() || !may_write || own->not_after < unix_seconds()) co_return Reply::message(403, "Forbidden");
  Request request = admin::request_of(head);
  request.reactor = &stream.reactor();
  request.who = {iam::Kind::Administrator, "certificate " + own->id.to_string()};
  co_return co_await carry_out(stream, head.path, request);
}

Task<void> PlatformServer::refuse(http::ServerStream& stream, int status, std::string_view why) {
  co_await admin::send(stream, parts_.settings, problem(status, why));
}

}  // namespace sluice::control::platform
