// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "control/admin/entity_view.h"
#include "control/admin/errors.h"
#include "entity/all.h"

namespace sluice::control::admin {
namespace {

using schema::EntityBase;
using schema::Field;

/// Where a type stands in URLs: alone, or below the type that its field `link` refers to.
struct Place {
  const Parts& parts;
  const EntityBase& type;
  const EntityBase* parent = nullptr;
  const Field* link = nullptr;

  [[nodiscard]] const store::Table& table() const { return parts.store.table(type.name()); }
  [[nodiscard]] const store::Table& parent_table() const { return parts.store.table(parent->name()); }
};

std::string item(const std::string& collection, const EntityBase& type) {
  return collection + "/{" + type.name() + "}";
}

// Reads
// -------------------------------------------------------------------------------------------------------------------

Reply list(const Place& at, const Request& request) {
  std::optional<store::Ids> among;
  if (at.type.name() == entity::Consumer::kName) {
    if (const std::string* custom_id = request.query.find("custom_id")) {
      const store::Ids* found = at.table().find_all("custom_id", *custom_id);
      among = found != nullptr ? *found : store::Ids{};
    }
  }
  return list_rows(at.parts.store, at.table(), std::move(among), request.query, "/" + at.type.url(),
                   repeated_arguments(request.query));
}

Reply list_below(const Place& at, const Request& request) {
  const Uuid parent = select(at.parts.store, at.parent_table(), request.params[0]);
  if (parent.is_nil()) return Reply::not_found();
  const std::string path = "/" + at.parent->url() + "/" + parent.to_string() + "/" + at.type.nested_url();
  return list_rows(at.parts.store, at.table(), children(at.table(), at.link->name, parent), request.query, path, {});
}

/// The row that the last parameters of the path mean.
Uuid find(const Place& at, const Request& request) {
  if (at.parent == nullptr) return select(at.parts.store, at.table(), request.params[0]);
  const Uuid parent = select(at.parts.store, at.parent_table(), request.params[0]);
  return parent.is_nil() ? parent : select_child(at.table(), at.link->name, parent, request.params[1]);
}

/// `/routes/r/service`: the row that a row refers to.
Reply read_referred(const Place& at, const Request& request) {
  const Uuid id = select(at.parts.store, at.table(), request.params[0]);
  if (id.is_nil()) return Reply::not_found();
  const Json document = *parse_json(**at.table().find(id));
  const Json* value = document.find(at.link->name);
  if (value == nullptr || value->is_null()) return Reply::not_found();
  const Uuid referred = schema::read_uuid(*value->find("id"));
  return row_reply(at.parts.store, at.parts.store.table(at.link->reference), referred);
}

// Writes: without a database none is carried out, but each is checked as if it were
// -------------------------------------------------------------------------------------------------------------------

Reply refuse_invalid(const Place& at, Json document, schema::ProcessOptions options, std::string_view verb) {
  const auto processed = at.type.process(std::move(document), options);
  return processed ? write_refused(verb, at.type.name()) : Reply::json(400, processed.error().body());
}

Reply create(const Place& at, const Request& request) {
  auto body = body_entity(request, at.parts.catalog, at.type);
  if (!body) return body.error();
  if (at.parent != nullptr) {
    const Uuid parent = select(at.parts.store, at.parent_table(), request.params[0]);
    if (parent.is_nil()) return Reply::not_found();
    body->as_object().set(at.link->name, Json::Object{{"id", parent.to_string()}});
  }
  return refuse_invalid(at, *std::move(body), {}, "create");
}

Reply put(const Place& at, const Request& request) {
  auto body = body_entity(request, at.parts.catalog, at.type);
  if (!body) return body.error();
  const std::string& key = request.params.back();
  const bool by_id = Uuid::parse(key).has_value();
  if (by_id) body->as_object().set("id", key);
  if (!by_id && !at.type.endpoint_key().empty()) body->as_object().set(at.type.endpoint_key(), key);
  if (at.parent != nullptr) {
    const Uuid parent = select(at.parts.store, at.parent_table(), request.params[0]);
    if (parent.is_nil()) return Reply::not_found();
    body->as_object().set(at.link->name, Json::Object{{"id", parent.to_string()}});
  }
  return refuse_invalid(at, *std::move(body), {}, "create or update");
}

Reply patch(const Place& at, const Request& request) {
  const auto body = body_entity(request, at.parts.catalog, at.type);
  if (!body) return body.error();
  const Uuid id = find(at, request);
  if (id.is_nil()) return write_refused("update", at.type.name());
  const Json current = *parse_json(**at.table().find(id));
  Json merged = at.type.merge_patch(current, *body);
  return refuse_invalid(at, std::move(merged), {.mode = schema::Mode::Update, .current = &current}, "update");
}

Reply remove(const Place& at, const Request&) {
  return write_refused("remove", at.type.name());
}

// The tree
// -------------------------------------------------------------------------------------------------------------------

using Answer = Reply (*)(const Place& at, const Request& request);

void add(RouteTree& tree, std::string_view method, std::string_view pattern, const Place& at, Answer answer) {
  tree.add(method, pattern, [at, answer](const Request& request) { return answer(at, request); });
}

Reply read(const Place& at, const Request& request) {
  return row_reply(at.parts.store, at.table(), find(at, request));
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
  const std::string& referred = at.link->reference;
  add(tree, "GET", pattern, at, read_referred);
  const auto refuse = [&](std::string_view method, std::string_view verb) {
    tree.add(method, pattern, [verb, referred](const Request& request) -> Task<Reply> {
      const auto body = body_object(request);
      return body ? write_refused(verb, referred) : body.error();
    });
  };
  refuse("PUT", "create or update");
  refuse("PATCH", "update");
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

}  // namespace sluice::control::admin
