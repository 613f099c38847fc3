// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "control/platform/endpoints.h"
#include "control/platform/plane_view.h"
#include "control/platform/profile_body.h"

namespace sluice::control::platform {
namespace {

using planes::PlaneProfile;

Reply shown(const Parts& parts, int status, const Uuid& id) {
  const PlaneProfile* profile = parts.planes.book().find(id);
  if (profile == nullptr) return problem(404, "The requested control plane was not found.");  // gone again
  return Reply::json(status, show(parts, *profile));
}

Reply read(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  return profile ? Reply::json(200, show(parts, **profile)) : profile.error();
}

Task<Reply> create(const Parts& parts, const Request& request) {
  const auto body = json_body(request);
  if (!body) co_return body.error();
  auto profile = read_new_profile(*body);
  if (!profile) co_return invalid(profile.error());
  const auto id = co_await parts.planes.create(*std::move(profile), request.who.name);
  co_return id ? shown(parts, 201, *id) : problem_of(id.error());
}

Task<Reply> update(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile) co_return profile.error();
  const Uuid id = (*profile)->id;
  const auto body = json_body(request);
  if (!body) co_return body.error();
  const auto edit = read_profile_edit(*body);
  if (!edit) co_return invalid(edit.error());
  const auto done = co_await parts.planes.update(id, *edit, request.who.name);
  if (done) co_return shown(parts, 200, id);
  if (done.error().code != Errc::Conflict) co_return problem_of(done.error());
  co_return invalid({.field = "name", .rule = "invalid", .reason = done.error().what});  // no 409 in the contract
}

Task<Reply> remove(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile) co_return profile.error();
  const auto done = co_await parts.planes.remove((*profile)->id, request.who.name);
  co_return done ? Reply::empty(204) : problem_of(done.error());
}

}  // namespace

std::expected<const PlaneProfile*, Reply> plane_of(const Parts& parts, const Request& request) {
  const auto id = Uuid::parse(request.params.front());
  if (!id) {
    return std::unexpected(
        invalid({.field = "id", .rule = "is_uuid", .reason = "invalid ID format", .source = "path"}));
  }
  const PlaneProfile* profile = parts.planes.book().find(*id);
  if (profile == nullptr) return std::unexpected(problem(404, "The requested control plane was not found."));
  return profile;
}

std::expected<Json, Reply> json_body(const Request& request) {
  const bool is_json = request.media_type == "application/json" || request.media_type.empty();
  if (!is_json) return std::unexpected(problem(415, "Only application/json is understood here."));
  auto body = parse_json(request.body);
  if (body) return *std::move(body);
  return std::unexpected(
      invalid({.field = "body", .rule = "", .reason = "request format is invalid: " + body.error().what}));
}

void add_planes(admin::RouteTree& tree, const Parts& parts) {
  const std::string one = "/v2/control-planes/{id}";
  tree.add("GET", "/v2/control-planes", [&parts](const Request& request) { return list_planes(parts, request.query); });
  tree.add("POST", "/v2/control-planes", [&parts](const Request& request) { return create(parts, request); });
  tree.add("GET", one, [&parts](const Request& request) { return read(parts, request); });
  tree.add("PATCH", one, [&parts](const Request& request) { return update(parts, request); });
  tree.add("DELETE", one, [&parts](const Request& request) { return remove(parts, request); });
}

}  // namespace sluice::control::platform
