// SPDX-License-Identifier: Apache-2.0
#include "control/platform/history_view.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/time.h"
#include "control/admin/entity_writes.h"
#include "control/iam/allow.h"
#include "control/platform/known_by.h"
#include "control/publish/restoration.h"

namespace sluice::control::platform {
namespace {

constexpr std::size_t kNamed = 5;  // rows of a version that a list names

std::string_view text_of(store::RowAction action) {
  if (action == store::RowAction::Create) return "create";
  return action == store::RowAction::Delete ? "delete" : "update";
}

std::size_t count(const store::VersionEntry& entry, store::RowAction action) {
  return static_cast<std::size_t>(std::ranges::count(entry.rows, action, &store::ChangedRow::action));
}

Json show_row(const store::ChangedRow& row) {
  return Json::Object{{"action", text_of(row.action)},
                      {"type", row.type},
                      {"id", row.id.to_string()},
                      {"name", row.document != nullptr ? name_of(std::string_view(*row.document)) : std::string()}};
}

Json shown_document(const Parts& parts, const iam::Principal& who, const std::string& type,
                    const sync::Document& document) {
  const schema::EntityBase* known = parts.catalog.find(type);
  if (document == nullptr || known == nullptr) return nullptr;  // of an unknown type nobody can tell what is secret
  auto json = parse_json(*document);
  if (!json || !json->is_object()) return nullptr;
  if (!iam::may_see_secrets(who)) known->visit_secrets(*json, [](std::string& secret) { secret = "***"; });
  return *std::move(json);
}

/// `routes[NAME]` of an operation.
std::string place_of(const publish::Operation& operation) {
  const std::string name = name_of(operation.document);
  return operation.type->name() + "[" + (name.empty() ? operation.key : name) + "]";
}

std::string message_of(const publish::Failure& failure) {
  const auto body = parse_json(admin::failed(failure).body);
  const Json* message = body ? body->find("message") : nullptr;
  return message != nullptr && message->is_string() ? message->as_string() : "cannot be restored";
}

}  // namespace

Json show(const store::VersionEntry& entry, const store::Version& current) {
  using enum store::RowAction;
  Json::Array changes;
  std::vector<std::string_view> types;
  for (const store::ChangedRow& row : entry.rows) {
    if (changes.size() < kNamed) changes.push_back(show_row(row));
    if (std::ranges::find(types, row.type) == types.end()) types.push_back(row.type);
  }
  Json::Array type_names;
  for (const std::string_view type : types) type_names.emplace_back(type);
  const std::string_view restored = publish::version_restored(entry.note);
  return Json::Object{{"id", to_string(entry.version)},
                      {"created_at", format_rfc3339(entry.when.time_since_epoch().count())},
                      {"actor", entry.author},
                      {"restored_from", restored.empty() ? Json() : Json(restored)},
                      {"current", entry.version == current},
                      {"change_count", entry.changes},
                      // Of the rows that were looked at: all of them, unless there are many.
                      {"summary", Json::Object{{"complete", entry.rows.size() >= entry.changes},
                                               {"created", count(entry, Create)},
                                               {"updated", count(entry, Update)},
                                               {"deleted", count(entry, Delete)},
                                               {"types", std::move(type_names)}}},
                      {"changes", std::move(changes)}};
}

Json show(const Parts& parts, const iam::Principal& who, const store::RowDifference& row) {
  Json before = shown_document(parts, who, row.type, row.before);
  Json after = shown_document(parts, who, row.type, row.after);
  std::string name = name_of(after.is_null() ? before : after);
  const auto action = row.before == nullptr  ? store::RowAction::Create
                      : row.after == nullptr ? store::RowAction::Delete
                                             : store::RowAction::Update;
  return Json::Object{{"action", text_of(action)},   {"type", row.type},
                      {"id", row.id.to_string()},    {"name", std::move(name)},
                      {"before", std::move(before)}, {"after", std::move(after)}};
}

Reply show_failures(const publish::Refusal& refusal, const std::vector<publish::Operation>& operations) {
  std::vector<InvalidParameter> wrong;
  for (const publish::Failure& failure : refusal.failures) {
    const bool known = failure.operation < operations.size();
    const std::string place = known ? place_of(operations[failure.operation]) : failure.type;
    for (const schema::Violation& violation : failure.violations) {
      const std::string where = violation.where();
      wrong.push_back(
          {.field = where.empty() ? place : place + "." + where, .rule = "invalid", .reason = violation.message});
    }
    if (failure.violations.empty()) wrong.push_back({.field = place, .rule = "invalid", .reason = message_of(failure)});
  }
  return invalid(wrong);
}

}  // namespace sluice::control::platform
