// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "control/admin/entity_view.h"
#include "control/admin/entity_writes.h"
#include "control/admin/errors.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::admin {
namespace {

constexpr std::string_view kMemberships = entity::ConsumerGroupConsumer::kName;

/// The other ends of the memberships whose `link` is `id`: the consumers of a group, the groups of a consumer.
store::Ids members(const store::Space& space, std::string_view link, const Uuid& id, std::string_view other) {
  const store::Table& memberships = space.table(kMemberships);
  store::Ids result;
  for (const Uuid& membership : children(memberships, link, id)) {
    for (const auto& text : store::member_texts(**memberships.find(membership), other)) {
      if (const auto found = Uuid::parse(text)) result.push_back(*found);
    }
  }
  std::ranges::sort(result);
  return result;
}

/// Those of the rows that are still there.
std::string array_of(const View& view, std::string_view type, const store::Ids& ids) {
  const store::Table& table = view.space.table(type);
  std::string text = "[";
  for (const Uuid& id : ids) {
    if (table.find(id) == nullptr) continue;
    if (text.size() > 1) text += ',';
    append_row(text, view, table, id);
  }
  return text + "]";
}

/// A group is shown inside an object, with its consumers and plugins. reference/gateway.md, 1.4.
Reply read_group(const Parts& parts, const Request& request) {
  const View view(parts, request);
  const store::Table& groups = view.space.table(entity::ConsumerGroup::kName);
  const Uuid id = select(view.space, groups, request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const store::Ids consumers = members(view.space, "consumer_group", id, "consumer");
  const store::Ids plugins = children(view.space.table(entity::Plugin::kName), "consumer_group", id);
  std::string text = "{\"consumer_group\":";
  append_row(text, view, groups, id);
  const std::string* wanted = request.query.find("list_consumers");
  if (wanted == nullptr || *wanted != "false") {
    text += ",\"consumers\":" + array_of(view, entity::Consumer::kName, consumers);
  }
  text += ",\"plugins\":" + array_of(view, entity::Plugin::kName, plugins);
  if (request.query.enabled("counter")) {
    text += ",\"consumers_count\":" + std::to_string(consumers.size());
    text += ",\"plugins_count\":" + std::to_string(plugins.size());
  }
  return Reply::text(200, text + "}");
}

/// One side of the relation, as seen from the other.
struct Side {
  std::string_view here;    // "consumer_groups"
  std::string_view link;    // "consumer_group"
  std::string_view there;   // "consumers"
  std::string_view other;   // "consumer"
  std::string_view wanted;  // what a new member is called in a body
};
constexpr Side kOfGroup{"consumer_groups", "consumer_group", "consumers", "consumer", "consumer"};
constexpr Side kOfConsumer{"consumers", "consumer", "consumer_groups", "consumer_group", "group"};

Reply list_members(const Parts& parts, const Side& side, const Request& request) {
  const View view(parts, request);
  const Uuid id = select(view.space, view.space.table(side.here), request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const std::string path = "/" + std::string(side.here) + "/" + id.to_string() + "/" + std::string(side.there);
  return list_rows(view, view.space.table(side.there), members(view.space, side.link, id, side.other), request.query,
                   path, {});
}

Reply read_member(const Parts& parts, const Side& side, const Request& request) {
  const View view(parts, request);
  const Uuid id = select(view.space, view.space.table(side.here), request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const store::Table& table = view.space.table(side.there);
  const Uuid member = select(view.space, table, request.params[1]);
  const store::Ids all = members(view.space, side.link, id, side.other);
  return std::ranges::binary_search(all, member) ? row_reply(view, table, member) : Reply::not_found();
}

// Writes
// -------------------------------------------------------------------------------------------------------------------

/// Names or ids in the body: one, or a list of them.
std::vector<std::string> wanted_members(const Json& body, std::string_view name) {
  std::vector<std::string> keys;
  const Json* value = body.find(name);
  if (value != nullptr && value->is_string()) keys.push_back(value->as_string());
  if (value == nullptr || !value->is_array()) return keys;
  for (const Json& item : value->as_array()) {
    if (item.is_string()) keys.push_back(item.as_string());
  }
  return keys;
}

Json reference(const Uuid& id) {
  return Json::Object{{"id", id.to_string()}};
}

/// The entity itself and the members that it was just given. Other requests of the same commit may have removed any of
/// them already.
Reply with_members(const View& view, const Side& side, const Uuid& id, const store::Ids& added) {
  if (view.space.table(side.here).find(id) == nullptr) return Reply::not_found();
  std::string text = "{\"" + std::string(side.link) + "\":";
  append_row(text, view, view.space.table(side.here), id);
  text += ",\"" + std::string(side.there) + "\":";
  text += array_of(view, side.there, added);
  return Reply::text(201, text + "}");
}

Task<Reply> add_members(const Parts& parts, const Side& side, const Request& request) {
  const auto body = body_object(request);
  if (!body) co_return body.error();
  if (parts.storage == Storage::None) co_return write_refused("create", kMemberships);
  const store::Space& space = parts.store.space(request.workspace);
  const Uuid id = select(space, space.table(side.here), request.params[0]);
  if (id.is_nil()) co_return Reply::not_found();
  const auto keys = wanted_members(*body, side.wanted);
  if (keys.empty()) co_return Reply::message(400, "must provide " + std::string(side.wanted));
  std::vector<publish::Operation> operations;
  store::Ids added;
  for (const std::string& key : keys) {
    const Uuid member = select(space, space.table(side.there), key);
    if (member.is_nil()) {
      co_return Reply::message(404, std::string(side.wanted) + " '" + key + "' not found");
    }
    added.push_back(member);
    Json::Object membership;
    membership.append(std::string(side.link), reference(id));
    membership.append(std::string(side.other), reference(member));
    operations.push_back(
        {.type = parts.catalog.find(kMemberships), .workspace = request.workspace, .document = std::move(membership)});
  }
  // As with whatever is made anew: bound to the list.
  const auto outcome = co_await carry_out(parts, request, std::move(operations), request.if_match);
  co_return outcome ? with_members(View(parts, request), side, id, added) : refused(outcome.error());
}

/// Whether the member is what the client has seen.
bool as_seen(const Parts& parts, const Request& request, const store::Table& table, const Uuid& member) {
  const Reply shown = row_reply(View(parts, request), table, member);
  return std::ranges::any_of(shown.headers, [&](const auto& field) {
    return field.first == "ETag" && publish::names_etag(request.if_match, field.second);
  });
}

/// All members, or the one that the path names.
Task<Reply> remove_members(const Parts& parts, const Side& side, const Request& request) {
  if (parts.storage == Storage::None) co_return write_refused("remove", kMemberships);
  const store::Space& space = parts.store.space(request.workspace);
  const Uuid id = select(space, space.table(side.here), request.params[0]);
  if (id.is_nil()) co_return Reply::not_found();
  const bool one = request.params.size() > 1;
  const Uuid wanted = one ? select(space, space.table(side.there), request.params[1]) : Uuid{};
  const store::Table& memberships = space.table(kMemberships);
  std::vector<publish::Operation> operations;
  for (const Uuid& membership : children(memberships, side.link, id)) {
    if (one && publish::referred(**memberships.find(membership), side.other) != wanted) continue;
    operations.push_back({.verb = publish::Verb::Remove,
                          .type = &memberships.type(),
                          .workspace = request.workspace,
                          .key = membership.to_string()});
  }
  if (operations.empty()) co_return one ? Reply::not_found() : Reply::empty(204);
  if (one && !request.if_match.empty() && !as_seen(parts, request, space.table(side.there), wanted)) {
    co_return precondition_failed();
  }
  const auto outcome =
      co_await carry_out(parts, request, std::move(operations), one ? std::string() : request.if_match);
  co_return outcome ? Reply::empty(204) : refused(outcome.error());
}

void add_side(RouteTree& tree, const Parts& parts, const Side& side) {
  const std::string collection =
      "/" + std::string(side.here) + "/{" + std::string(side.here) + "}/" + std::string(side.there);
  const std::string one = collection + "/{" + std::string(side.there) + "}";
  tree.add("GET", collection, [&parts, &side](const Request& request) { return list_members(parts, side, request); });
  tree.add("GET", one, [&parts, &side](const Request& request) { return read_member(parts, side, request); });
  tree.add("POST", collection, [&parts, &side](const Request& request) { return add_members(parts, side, request); });
  for (const auto& pattern : {collection, one}) {
    tree.add("DELETE", pattern,
             [&parts, &side](const Request& request) { return remove_members(parts, side, request); });
  }
}

}  // namespace

void add_consumer_groups(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/consumer_groups/{consumer_groups}",
           [&parts](const Request& request) { return read_group(parts, request); });
  add_side(tree, parts, kOfGroup);
  add_side(tree, parts, kOfConsumer);
}

}  // namespace sluice::control::admin
