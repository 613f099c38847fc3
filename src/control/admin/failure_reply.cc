// SPDX-License-Identifier: Apache-2.0
// Kong's error bodies for what publish/ refuses. reference/gateway.md, 2.3.
#include <utility>

#include "control/admin/entity_writes.h"
#include "control/admin/errors.h"

namespace sluice::control::admin {
namespace {

using publish::Failure;
using publish::Refusal;
using Kind = Failure::Kind;

std::string quoted(const Json& key) {
  return "'" + schema::lua_table_text(key) + "'";
}

Reply unresolved(const Failure& failure) {
  const std::string& column = failure.key.as_object().begin()->first;
  const std::string why = "the foreign key cannot be resolved with " + quoted(failure.key) + " for an existing '" +
                          failure.other + "' entity";
  Json::Object inner;
  inner.append(column, why);
  Json::Object fields;
  fields.append(failure.field, std::move(inner));
  return error(Code::ForeignKeysUnresolved,
               "foreign key unresolved (" + failure.field + "." + column + ": " + why + ")", std::move(fields));
}

Reply foreign(const Failure& failure) {
  Json::Object fields;
  fields.append(failure.field, failure.key);
  return error(
      Code::ForeignKeyViolation,
      "the foreign key " + quoted(failure.key) + " does not reference an existing '" + failure.other + "' entity.",
      std::move(fields));
}

Reply restricted(const Failure& failure) {
  return error(Code::ForeignKeyViolation,
               "an existing '" + failure.other + "' entity references this '" + failure.type + "' entity",
               Json::Object{{"@referenced_by", failure.other}});
}

Reply referenced(const Failure& failure) {
  const std::string& id = failure.key.find("id")->as_string();
  const std::string& by = failure.key.find("by")->as_string();
  return error(Code::ReferencedByOthers,
               "ca certificate " + id + " is still referenced by " + failure.other + " (id = " + by + ")");
}

}  // namespace

Reply failed(const Failure& failure) {
  switch (failure.kind) {
    case Kind::Schema:
      return Reply::json(400, failure.violations.body());
    case Kind::PrimaryKey:
      return error(Code::PrimaryKeyViolation, "primary key violation on key " + quoted(failure.key), failure.key);
    case Kind::Unique:
      return error(Code::UniqueViolation, "UNIQUE violation detected on " + quoted(failure.key), failure.key);
    case Kind::ForeignKey:
      return foreign(failure);
    case Kind::Unresolved:
      return unresolved(failure);
    case Kind::Restricted:
      return restricted(failure);
    case Kind::Referenced:
      return referenced(failure);
    case Kind::NotFound:
      return Reply::not_found();
    case Kind::Precondition:
      return precondition_failed();
  }
  return Reply::not_found();
}

std::optional<Reply> not_kept(const Refusal& refusal) {
  using enum Refusal::Cause;
  if (refusal.cause == Invalid) return std::nullopt;
  if (refusal.cause == Gone) return Reply::message(404, "Not Found");  // as for a control plane that never was
  if (refusal.cause == Internal) return Reply::message(500, "An unexpected error occurred");
  if (refusal.cause == Full) return Reply::message(507, "The store has no space left; nothing was changed");
  if (refusal.cause == Unknown) {  // no Retry-After: what is done already is not to be done twice unseen
    return Reply::message(504,
                          "The store went away while it kept the change: look whether it was made, then try again");
  }
  Reply reply = Reply::message(503, "The store cannot take changes now; nothing was changed");
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Reply refused(const Refusal& refusal) {
  if (auto reply = not_kept(refusal)) return *std::move(reply);
  if (refusal.failures.empty()) return Reply::json(400, refusal.declarative.body());
  return failed(refusal.failures.front());
}

}  // namespace sluice::control::admin
