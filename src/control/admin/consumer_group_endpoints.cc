// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "control/admin/entity_view.h"
#include "control/admin/errors.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::admin {
namespace {

constexpr std::string_view kMemberships = entity::ConsumerGroupConsumer::kName;

/// The other ends of the memberships whose `link` is `id`: the consumers of a group, the groups of a consumer.
store::Ids members(const Parts& parts, std::string_view link, const Uuid& id, std::string_view other) {
  const store::Table& memberships = parts.store.table(kMemberships);
  store::Ids result;
  for (const Uuid& membership : children(memberships, link, id)) {
    for (const auto& text : store::member_texts(**memberships.find(membership), other)) {
      if (const auto found = Uuid::parse(text)) result.push_back(*found);
    }
  }
  std::ranges::sort(result);
  return result;
}

std::string array_of(const Parts& parts, std::string_view type, const store::Ids& ids) {
  std::string text = "[";
  for (const Uuid& id : ids) {
    if (text.size() > 1) text += ',';
    append_row(text, parts.store, parts.store.table(type), id);
  }
  return text + "]";
}

/// A group is shown inside an object, with its consumers and plugins. reference/gateway.md, 1.4.
Reply read_group(const Parts& parts, const Request& request) {
  const store::Table& groups = parts.store.table(entity::ConsumerGroup::kName);
  const Uuid id = select(parts.store, groups, request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const store::Ids consumers = members(parts, "consumer_group", id, "consumer");
  const store::Ids plugins = children(parts.store.table(entity::Plugin::kName), "consumer_group", id);
  std::string text = "{\"consumer_group\":";
  append_row(text, parts.store, groups, id);
  const std::string* wanted = request.query.find("list_consumers");
  if (wanted == nullptr || *wanted != "false") {
    text += ",\"consumers\":" + array_of(parts, entity::Consumer::kName, consumers);
  }
  text += ",\"plugins\":" + array_of(parts, entity::Plugin::kName, plugins);
  if (request.query.enabled("counter")) {
    text += ",\"consumers_count\":" + std::to_string(consumers.size());
    text += ",\"plugins_count\":" + std::to_string(plugins.size());
  }
  return Reply::text(200, text + "}");
}

/// One side of the relation, as seen from the other.
struct Side {
  std::string_view here;   // "consumer_groups"
  std::string_view link;   // "consumer_group"
  std::string_view there;  // "consumers"
  std::string_view other;  // "consumer"
};
constexpr Side kOfGroup{"consumer_groups", "consumer_group", "consumers", "consumer"};
constexpr Side kOfConsumer{"consumers", "consumer", "consumer_groups", "consumer_group"};

Reply list_members(const Parts& parts, const Side& side, const Request& request) {
  const Uuid id = select(parts.store, parts.store.table(side.here), request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const std::string path = "/" + std::string(side.here) + "/" + id.to_string() + "/" + std::string(side.there);
  return list_rows(parts.store, parts.store.table(side.there), members(parts, side.link, id, side.other), request.query,
                   path, {});
}

Reply read_member(const Parts& parts, const Side& side, const Request& request) {
  const Uuid id = select(parts.store, parts.store.table(side.here), request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const store::Table& table = parts.store.table(side.there);
  const Uuid member = select(parts.store, table, request.params[1]);
  const store::Ids all = members(parts, side.link, id, side.other);
  return std::ranges::binary_search(all, member) ? row_reply(parts.store, table, member) : Reply::not_found();
}

void add_side(RouteTree& tree, const Parts& parts, const Side& side) {
  const std::string collection =
      "/" + std::string(side.here) + "/{" + std::string(side.here) + "}/" + std::string(side.there);
  const std::string one = collection + "/{" + std::string(side.there) + "}";
  tree.add("GET", collection, [&parts, &side](const Request& request) { return list_members(parts, side, request); });
  tree.add("GET", one, [&parts, &side](const Request& request) { return read_member(parts, side, request); });
  tree.add("POST", collection, [](const Request& request) -> Task<Reply> {
    const auto body = body_object(request);
    return body ? write_refused("create", kMemberships) : body.error();
  });
  for (const auto& pattern : {collection, one}) {
    tree.add("DELETE", pattern, [](const Request&) { return write_refused("remove", kMemberships); });
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
