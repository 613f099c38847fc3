// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "base/time.h"
#include "control/platform/endpoints.h"
#include "control/platform/plane_view.h"

namespace sluice::control::platform {
namespace {

using planes::PlaneProfile;

constexpr std::size_t kMaxConflicts = 256;

std::expected<const PlaneProfile*, Reply> group_of(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile || (*profile)->is_group()) return profile;
  return std::unexpected(problem(404, "The requested control plane is no group."));
}

/// The ids of `{"members": [{"id": ..}]}`, each once.
std::expected<std::vector<Uuid>, Reply> read_members(const Request& request) {
  const auto body = json_body(request);
  if (!body) return std::unexpected(body.error());
  const Json* list = body->find("members");
  if (list == nullptr) {
    return std::unexpected(invalid({.field = "members", .rule = "required", .reason = "is a required field"}));
  }
  if (!list->is_array()) {
    return std::unexpected(invalid({.field = "members", .rule = "is_array", .reason = "must be an array"}));
  }
  std::vector<Uuid> members;
  std::vector<InvalidParameter> wrong;
  for (std::size_t i = 0; i < list->as_array().size(); ++i) {
    const Json* text = list->as_array()[i].find("id");
    const auto id = Uuid::parse(text != nullptr && text->is_string() ? std::string_view(text->as_string()) : "");
    if (!id) {
      wrong.push_back({"members[" + std::to_string(i) + "].id", "is_uuid", "must be the id of a control plane"});
    } else if (std::ranges::find(members, *id) == members.end()) {
      members.push_back(*id);
    }
  }
  if (!wrong.empty()) return std::unexpected(invalid(wrong));
  return members;
}

/// `combine` makes the new list of the old one and the one in the body.
using Combine = void (*)(std::vector<Uuid>& members, const std::vector<Uuid>& given);

void add_to(std::vector<Uuid>& members, const std::vector<Uuid>& given) {
  for (const Uuid& id : given) {
    if (std::ranges::find(members, id) == members.end()) members.push_back(id);
  }
}
void take_from(std::vector<Uuid>& members, const std::vector<Uuid>& given) {
  std::erase_if(members, [&](const Uuid& id) { return std::ranges::find(given, id) != given.end(); });
}
void replace_by(std::vector<Uuid>& members, const std::vector<Uuid>& given) {
  members = given;
}

Task<Reply> change(const Parts& parts, const Request& request, Combine combine) {
  const auto group = group_of(parts, request);
  if (!group) co_return group.error();
  const Uuid id = (*group)->id;
  const auto given = read_members(request);
  if (!given) co_return given.error();
  const auto edit = [&](std::vector<Uuid>& members) { combine(members, *given); };
  const auto done = co_await parts.planes.change_members(id, edit, request.who.name);
  if (done) co_return Reply::empty(204);
  if (done.error().code != Errc::Invalid) co_return problem_of(done.error());
  co_return invalid({.field = "members", .rule = "invalid", .reason = done.error().what});
}

Reply list(const Parts& parts, const Request& request) {
  const auto group = group_of(parts, request);
  if (!group) return group.error();
  const auto page = PageAfter::parse(request.query);
  if (!page) return page.error();
  const auto& members = (*group)->members;
  auto from = members.begin();
  if (!page->after.empty()) {
    const auto last = std::ranges::find_if(members, [&](const Uuid& id) { return id.to_string() == page->after; });
    if (last == members.end()) {
      return invalid({.field = "page[after]", .rule = "invalid", .reason = "leads nowhere", .source = "query"});
    }
    from = last + 1;
  }
  Json::Array data;
  std::string next;
  for (; from != members.end() && data.size() < page->size; ++from) {
    if (const PlaneProfile* member = parts.planes.book().find(*from)) data.push_back(show(parts, *member));
    next = from->to_string();
  }
  Json link;
  if (from != members.end()) {
    link = "/v2/control-planes/" + (*group)->id.to_string() +
           "/group-memberships?page[size]=" + std::to_string(page->size) + "&page[after]=" + next;
  }
  Json::Object numbers{{"next", std::move(link)}, {"size", page->size}};
  if (page->after.empty()) numbers.append("total", members.size());
  return Reply::json(200,
                     Json::Object{{"meta", Json::Object{{"page", std::move(numbers)}}}, {"data", std::move(data)}});
}

Reply member_status(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile) return profile.error();
  return Reply::json(200, Json::Object{{"is_member", !parts.planes.book().groups_of((*profile)->id).empty()}});
}

/// "service" of "services".
std::string singular(const Parts& parts, const std::string& type) {
  const auto* described = parts.catalog.find(type);
  return described != nullptr ? described->singular() : type;
}

Reply status(const Parts& parts, const Request& request) {
  const auto group = group_of(parts, request);
  if (!group) return group.error();
  const auto clashes = parts.planes.clashes((*group)->id);
  Json::Array conflicts;
  for (const planes::Clash& clash : clashes.value_or(std::vector<planes::Clash>{})) {
    if (conflicts.size() == kMaxConflicts) break;
    const Json resource = Json::Object{{"id", clash.id.to_string()}, {"type", singular(parts, clash.type)}};
    conflicts.emplace_back(
        Json::Object{{"cluster_id", clash.member.to_string()},
                     {"description", "conflicting entity found: ID=" + clash.id.to_string() + ", " + clash.what +
                                         ", also in control plane " + clash.other_member.to_string()},
                     {"resource", resource}});
  }
  const char* state = !clashes ? "UNKNOWN" : conflicts.empty() ? "OK" : "CONFLICT";
  Json::Object item{{"id", (*group)->id.to_string()},
                    {"created_at", format_rfc3339((*group)->created_ms)},
                    {"updated_at", format_rfc3339((*group)->updated_ms)},
                    {"conflicts", std::move(conflicts)},
                    {"state", state}};
  return Reply::json(200, Json::Object{{"item", std::move(item)}});
}

}  // namespace

void add_groups(admin::RouteTree& tree, const Parts& parts) {
  const std::string one = "/v2/control-planes/{id}";
  const std::string members = one + "/group-memberships";
  tree.add("GET", members, [&parts](const Request& request) { return list(parts, request); });
  tree.add("PUT", members, [&parts](const Request& request) { return change(parts, request, replace_by); });
  tree.add("POST", members + "/add", [&parts](const Request& request) { return change(parts, request, add_to); });
  tree.add("POST", members + "/remove", [&parts](const Request& request) { return change(parts, request, take_from); });
  tree.add("GET", one + "/group-member-status",
           [&parts](const Request& request) { return member_status(parts, request); });
  tree.add("GET", one + "/group-status", [&parts](const Request& request) { return status(parts, request); });
}

}  // namespace sluice::control::platform
