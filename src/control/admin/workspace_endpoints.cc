// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "control/admin/entity_writes.h"
#include "control/admin/errors.h"
#include "entity/workspace.h"

namespace sluice::control::admin {
namespace {

using entity::Workspace;
using publish::Failure;
using publish::Operation;
using publish::Verb;

/// A row of the table of workspaces.
struct Row {
  Uuid id;             // nil: there is none
  Json document = {};  // null for one that was never written: the default one exists without that

  /// Under which its entities stand.
  [[nodiscard]] Uuid space() const { return is_default() ? Uuid{} : id; }
  [[nodiscard]] bool is_default() const { return id == default_id(); }
  static Uuid default_id() { return *Uuid::parse(Workspace::kDefaultId); }
};

const store::Table& table(const Parts& parts) {
  return parts.store.table(Workspace::kName);
}

/// The default workspace as it is until somebody writes it.
Json untouched_default(const Parts& parts) {
  Json document = Json::Object{{"id", Workspace::kDefaultId}, {"name", Workspace::kDefaultName}};
  schema::Violations none;
  parts.catalog.of<Workspace>().process_at(document, {}, {.mode = schema::Mode::Select}, none);
  return document;
}

Row find(const Parts& parts, std::string_view key) {
  Row row{select(parts.store.space(), table(parts), key)};
  if (row.id.is_nil() && (key == Workspace::kDefaultName || key == Workspace::kDefaultId)) {
    return {Row::default_id(), untouched_default(parts)};
  }
  if (!row.id.is_nil()) row.document = *parse_json(**table(parts).find(row.id));
  return row;
}

Reply read(const Parts& parts, const Request& request) {
  const Row row = find(parts, request.params[0]);
  if (row.id.is_nil()) return Reply::not_found();
  return document_reply(200, View(parts, request), table(parts).type(), row.id, to_json(row.document));
}

Reply list(const Parts& parts, const Request& request) {
  const auto page = Page::parse(request.query);
  if (!page) return page.error();
  if (table(parts).find(Row::default_id()) != nullptr || !page->after.empty()) {
    return list_rows(View(parts, request), table(parts), {}, request.query, "/workspaces",
                     repeated_arguments(request.query));
  }
  PageWriter writer;
  append_json(writer.open_entry(), untouched_default(parts));
  std::string last = Uuid{}.to_string();  // the default one comes before all rows
  std::size_t shown = 1;
  for (const auto& [id, document] : table(parts).rows()) {
    if (shown++ == page->size) return writer.finish(last, "/workspaces", repeated_arguments(request.query));
    append_row(writer.open_entry(), View(parts, request), table(parts), id);
    last = id.to_string();
  }
  return writer.finish({}, "/workspaces", repeated_arguments(request.query));
}

/// How many entities of each type it has.
Reply counts(const Parts& parts, const Request& request) {
  const Row row = find(parts, request.params[0]);
  if (row.id.is_nil()) return Reply::not_found();
  Json::Object numbers;
  for (const auto& own : parts.store.space(row.space()).tables()) {
    if (own.type().workspaceable()) numbers.append(own.type().name(), own.rows().size());
  }
  return Reply::json(200, Json::Object{{"counts", std::move(numbers)}});
}

/// Whether the name in the body differs from the one that paths know it by.
bool renames(const Json& body, const Row& row) {
  const Json* name = body.find("name");
  const Json* before = row.document.find("name");
  return name != nullptr && before != nullptr && !(*name == *before);
}

Task<Reply> write(const Parts& parts, const Request& request, Verb verb) {
  if (parts.storage == Storage::None) return write_refused("create or update", Workspace::kName);
  auto body = body_entity(request, parts.catalog, table(parts).type());
  if (!body) return std::move(body).error();
  const Row row = find(parts, request.params[0]);
  if (row.id.is_nil() && verb == Verb::Patch) return Reply::not_found();
  if (renames(*body, row)) return Reply::message(400, "Cannot rename a workspace");
  Operation operation{.verb = verb, .type = &table(parts).type(), .key = request.params[0], .document = *body};
  operation.if_match = request.if_match;
  if (row.is_default()) {
    operation.key = Workspace::kDefaultId;
    operation.document.as_object().set("name", Workspace::kDefaultName);
    if (table(parts).find(row.id) == nullptr) operation.verb = Verb::Put;
  }
  std::vector<Operation> operations;
  operations.push_back(std::move(operation));
  return carry_out_for(parts, request, std::move(operations), 0, 200);
}

/// Removes it, `?cascade=true` with all that it has.
Task<Reply> remove(const Parts& parts, const Request& request) {
  if (parts.storage == Storage::None) co_return write_refused("remove", Workspace::kName);
  const Row row = find(parts, request.params[0]);
  if (row.is_default()) co_return Reply::message(400, "Cannot delete default workspace");
  if (row.id.is_nil()) co_return Reply::empty(204);
  std::vector<Operation> operations;
  if (request.query.enabled("cascade")) {
    for (const auto& own : parts.store.space(row.space()).tables()) {
      for (const auto& [id, document] : own.rows()) {
        operations.push_back(
            {.verb = Verb::Remove, .type = &own.type(), .workspace = row.space(), .key = id.to_string()});
      }
    }
  }
  operations.push_back({.verb = Verb::Remove, .type = &table(parts).type(), .key = row.id.to_string()});
  operations.back().if_match = request.if_match;
  const auto outcome = co_await carry_out(parts, request, std::move(operations));
  if (outcome) co_return Reply::empty(204);
  const auto& failures = outcome.error().failures;
  const bool kept = !failures.empty() && failures.front().kind == Failure::Kind::Restricted;
  co_return kept ? Reply::message(400, "Workspace is not empty") : refused(outcome.error());
}

}  // namespace

void add_workspaces(RouteTree& tree, const Parts& parts) {
  const std::string one = "/workspaces/{workspaces}";
  tree.add("GET", "/workspaces", [&parts](const Request& request) { return list(parts, request); });
  tree.add("GET", one, [&parts](const Request& request) { return read(parts, request); });
  tree.add("GET", one + "/meta", [&parts](const Request& request) { return counts(parts, request); });
  tree.add("PUT", one, [&parts](const Request& request) { return write(parts, request, Verb::Put); });
  tree.add("PATCH", one, [&parts](const Request& request) { return write(parts, request, Verb::Patch); });
  tree.add("DELETE", one, [&parts](const Request& request) { return remove(parts, request); });
}

}  // namespace sluice::control::admin
