// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "control/admin/endpoints.h"
#include "control/admin/entity_writes.h"
#include "control/admin/list_order.h"
#include "entity/all.h"

namespace sluice::control::admin {
namespace {

using schema::EntityBase;

std::string item(const std::string& collection, const EntityBase& type) {
  return collection + "/{" + type.name() + "}";
}

// Reads
// -------------------------------------------------------------------------------------------------------------------

Task<Reply> list(const Place& at, const Request& request) {
  std::optional<store::Ids> among;
  if (at.type.name() == entity::Consumer::kName) {
    if (const std::string* custom_id = request.query.find("custom_id")) {
      const store::Ids* found = at.table(request).find_all("custom_id", *custom_id);
      among = found != nullptr ? *found : store::Ids{};
    }
  }
  const auto order = ListOrder::parse(at.parts.settings, at.type, request.query);
  if (order && !among) {
    return list_in_order(View(at.parts, request), at.table(request), *order, request.query, "/" + at.type.url());
  }
  return list_rows(View(at.parts, request), at.table(request), std::move(among), request.query, "/" + at.type.url(),
                   repeated_arguments(request.query));
}

Task<Reply> list_below(const Place& at, const Request& request) {
  const Uuid parent = at.parent_of(request);
  if (parent.is_nil()) return Reply::not_found();
  const std::string path = "/" + at.parent->url() + "/" + parent.to_string() + "/" + at.type.nested_url();
  return list_rows(View(at.parts, request), at.table(request), children(at.table(request), at.link->name, parent),
                   request.query, path, {});
}

/// The row that the last parameters of the path mean.
Uuid find(const Place& at, const Request& request) {
  if (at.parent == nullptr) return select(at.space(request), at.table(request), request.params[0]);
  const Uuid parent = at.parent_of(request);
  return parent.is_nil() ? parent : select_child(at.table(request), at.link->name, parent, request.params[1]);
}

Task<Reply> read(const Place& at, const Request& request) {
  return row_reply(View(at.parts, request), at.table(request), find(at, request));
}

/// `/routes/r/service`: the row that a row refers to.
Task<Reply> read_referred(const Place& at, const Request& request) {
  const Uuid id = select(at.space(request), at.table(request), request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const Uuid referred = publish::referred(**at.table(request).find(id), at.link->name);
  return row_reply(View(at.parts, request), at.space(request).table(at.link->reference), referred);
}

// The tree
// -------------------------------------------------------------------------------------------------------------------

using Answer = Task<Reply> (*)(const Place& at, const Request& request);

void add(RouteTree& tree, std::string_view method, std::string_view pattern, const Place& at, Answer answer) {
  tree.add(method, pattern, [at, answer](const Request& request) { return answer(at, request); });
}

void add_collection(RouteTree& tree, const std::string& path, const Place& at) {
  add(tree, "GET", path, at, at.parent != nullptr ? list_below : list);
  add(tree, "POST", path, at, create);
  const std::string one = item(path, at.type);
  add(tree, "GET", one, at, read);
  add(tree, "PUT", one, at, put);
  add(tree, "PATCH", one, at, patch);
  add(tree, "DELETE", one, at, remove);
}

void add_referred(RouteTree& tree, const std::string& path, const Place& at) {
  const std::string pattern = path + "/" + at.link->name;
  add(tree, "GET", pattern, at, read_referred);
  add(tree, "PUT", pattern, at, put_referred);
  add(tree, "PATCH", pattern, at, patch_referred);
}

}  // namespace

void add_entities(RouteTree& tree, const Parts& parts) {
  for (const auto& type : parts.catalog.types()) {
    if (type->name() == entity::ConsumerGroupConsumer::kName) continue;  // shown below groups and consumers
    const std::string path = "/" + type->url();
    const bool alone = type->name() != entity::Target::kName;  // Kong has targets below their upstream only
    if (alone) add_collection(tree, path, {parts, *type});
    for (const auto* link : type->foreign_fields()) {
      const EntityBase* parent = parts.catalog.find(link->reference);
      const Place below{parts, *type, parent, link};
      add_collection(tree, item("/" + parent->url(), *parent) + "/" + type->nested_url(), below);
      if (alone) add_referred(tree, item(path, *type), {parts, *type, nullptr, link});
    }
  }
}

void add_all_targets(RouteTree& tree, const Parts& parts) {
  const EntityBase& type = *parts.catalog.find(entity::Target::kName);
  add(tree, "GET", "/" + type.url(), {parts, type}, list);
}

}  // namespace sluice::control::admin
