// SPDX-License-Identifier: Apache-2.0
#include "control/admin/entity_writes.h"

#include <utility>

#include "control/admin/body.h"
#include "control/admin/errors.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::admin {
namespace {

using publish::Operation;
using publish::Verb;

/// What each verb is called where there is no database.
std::string_view name_of(Verb verb) {
  switch (verb) {
    case Verb::Create:
      return "create";
    case Verb::Patch:
      return "update";
    case Verb::Put:
    case Verb::Replace:
      return "create or update";
    case Verb::Remove:
      return "remove";
  }
  return "";
}

/// What would be wrong with the operation if there were a database; nothing.
Reply refuse(const Place& at, const Request& request, const Operation& operation) {
  auto refusal = write_refused(name_of(operation.verb), at.type.name());
  if (operation.verb == Verb::Remove) return refusal;
  Json document = operation.document;
  schema::ProcessOptions options;
  Json current;
  if (operation.verb == Verb::Patch) {
    const store::Table& table = at.table(request);
    const Uuid id = at.link != nullptr ? select_child(table, at.link->name, operation.parent, operation.key)
                                       : select(at.space(request), table, operation.key);
    if (id.is_nil()) return refusal;
    current = *parse_json(**table.find(id));
    document = at.type.merge_patch(current, document);
    options.mode = schema::Mode::Update;
    options.current = &current;
  } else {
    const bool by_id = Uuid::parse(operation.key).has_value();
    const std::string column = by_id ? "id" : at.type.endpoint_key();
    if (!operation.key.empty() && !column.empty()) document.as_object().set(column, operation.key);
    if (at.link != nullptr) {
      document.as_object().set(at.link->name, Json::Object{{"id", operation.parent.to_string()}});
    }
  }
  publish::resolve_link_names(at.space(request), at.type, document);
  schema::Violations violations;
  entity::process_entity(at.parts.catalog, at.type, document, options, publish::partial_finder(at.space(request)),
                         violations);
  return violations.empty() ? refusal : Reply::json(400, violations.body());
}

/// Which plugin the stored row is of that a PATCH changes; empty for other types, and when there is none.
std::string stored_plugin(const Place& at, const Request& request, const Uuid& parent) {
  if (at.type.name() != entity::Plugin::kName) return {};
  const store::Table& table = at.table(request);
  const std::string& key = request.params.back();
  const Uuid id =
      at.link != nullptr ? select_child(table, at.link->name, parent, key) : select(at.space(request), table, key);
  const auto name = id.is_nil() ? std::vector<std::string>() : store::member_texts(**table.find(id), "name");
  return name.empty() ? std::string() : name.front();
}

/// The operation that the request asks for, or the reply to one that cannot be.
std::expected<Operation, Reply> operation_of(const Place& at, const Request& request, Verb verb) {
  Operation operation{.verb = verb, .type = &at.type, .workspace = request.workspace, .link = at.link};
  const Uuid parent = at.link != nullptr ? at.parent_of(request) : Uuid{};
  if (verb != Verb::Remove) {
    const std::string plugin = verb == Verb::Patch ? stored_plugin(at, request, parent) : std::string();
    auto body = body_entity(request, at.parts.catalog, at.type, plugin);
    if (!body) return std::unexpected(std::move(body).error());
    operation.document = *std::move(body);
  }
  if (verb != Verb::Create) operation.key = request.params.back();
  if (at.link != nullptr && parent.is_nil()) return std::unexpected(Reply::not_found());
  operation.parent = parent;
  if (verb != Verb::Create) operation.if_match = request.if_match;
  operation.only_if_new = request.if_none_match == "*";
  return operation;
}

Task<Reply> carry_out_one(const Place& at, const Request& request, Verb verb, int status) {
  auto operation = operation_of(at, request, verb);
  if (!operation) return std::move(operation).error();
  if (at.parts.storage == Storage::None) return refuse(at, request, *operation);
  std::vector<Operation> operations;
  operations.push_back(*std::move(operation));
  // What is made anew is bound to the list: nothing at all has changed since the client saw it.
  return carry_out_for(at.parts, request, std::move(operations), 0, status,
                       verb == Verb::Create ? request.if_match : std::string());
}

/// What `/routes/r/service` means.
struct Referrer {
  Uuid id;
  Uuid referred;  // nil: it refers to nothing
};

std::optional<Referrer> referrer(const Place& at, const Request& request) {
  const store::Table& table = at.table(request);
  const Uuid id = select(at.space(request), table, request.params[0]);
  if (id.is_nil()) return std::nullopt;
  return Referrer{id, publish::referred(**table.find(id), at.link->name)};
}

Task<Reply> refuse_referred(const Place& at, const Request& request, std::string_view verb) {
  const auto body = body_object(request);
  return body ? write_refused(verb, at.link->reference) : body.error();
}

}  // namespace

Task<publish::Publisher::Outcome> carry_out(const Parts& parts, const Request& request,
                                            std::vector<Operation> operations, std::string if_match) {
  return parts.publisher.submit(publish::transaction(parts.catalog, std::move(operations), std::move(if_match)),
                                request.who.name);
}

Task<Reply> carry_out_for(const Parts& parts, const Request& request, std::vector<Operation> operations,
                          std::size_t position, int status, std::string if_match) {
  const schema::EntityBase& type = *operations[position].type;
  const auto outcome = co_await carry_out(parts, request, std::move(operations), std::move(if_match));
  if (!outcome) co_return refused(outcome.error());
  const publish::Effect& effect = outcome->effects[position];
  if (effect.document == nullptr) co_return Reply::empty(204);
  co_return document_reply(status, View(parts, request), type, effect.id, *effect.document);
}

Task<Reply> create(const Place& at, const Request& request) {
  return carry_out_one(at, request, Verb::Create, 201);
}

Task<Reply> put(const Place& at, const Request& request) {
  return carry_out_one(at, request, Verb::Put, 200);
}

Task<Reply> patch(const Place& at, const Request& request) {
  return carry_out_one(at, request, Verb::Patch, 200);
}

Task<Reply> remove(const Place& at, const Request& request) {
  if (at.parts.storage == Storage::None) return write_refused("remove", at.type.name());
  return carry_out_one(at, request, Verb::Remove, 204);
}

Task<Reply> put_referred(const Place& at, const Request& request) {
  if (at.parts.storage == Storage::None) return refuse_referred(at, request, "create or update");
  const auto from = referrer(at, request);
  if (!from) return Reply::not_found();
  const schema::EntityBase& type = *at.parts.catalog.find(at.link->reference);
  auto body = body_entity(request, at.parts.catalog, type);
  if (!body) return std::move(body).error();
  const Uuid id = from->referred.is_nil() ? Uuid::random() : from->referred;
  std::vector<Operation> operations;
  operations.push_back({.verb = Verb::Put,
                        .type = &type,
                        .workspace = request.workspace,
                        .key = id.to_string(),
                        .document = *std::move(body),
                        .if_match = request.if_match,
                        .only_if_new = request.if_none_match == "*"});
  if (from->referred.is_nil()) {
    Json::Object link;
    link.append(at.link->name, Json::Object{{"id", id.to_string()}});
    operations.push_back({.verb = Verb::Patch,
                          .type = &at.type,
                          .workspace = request.workspace,
                          .key = from->id.to_string(),
                          .document = std::move(link)});
  }
  return carry_out_for(at.parts, request, std::move(operations), 0, 200);
}

Task<Reply> patch_referred(const Place& at, const Request& request) {
  if (at.parts.storage == Storage::None) return refuse_referred(at, request, "update");
  const auto from = referrer(at, request);
  if (!from || from->referred.is_nil()) return Reply::not_found();
  const schema::EntityBase& type = *at.parts.catalog.find(at.link->reference);
  auto body = body_entity(request, at.parts.catalog, type);
  if (!body) return std::move(body).error();
  std::vector<Operation> operations;
  operations.push_back({.verb = Verb::Patch,
                        .type = &type,
                        .workspace = request.workspace,
                        .key = from->referred.to_string(),
                        .document = *std::move(body),
                        .if_match = request.if_match,
                        .only_if_new = request.if_none_match == "*"});
  return carry_out_for(at.parts, request, std::move(operations), 0, 200);
}

}  // namespace sluice::control::admin
