// SPDX-License-Identifier: Apache-2.0
#include "control/publish/batch.h"

#include <array>
#include <utility>

#include "entity/name_id.h"

namespace sluice::control::publish {
namespace {

using entity::DeclarativeErrors;
using schema::EntityBase;
using schema::PathPart;
using schema::Violations;

struct Action {
  std::string_view name;
  Verb verb;
};
constexpr std::array<Action, 4> kActions = {
    {{"create", Verb::Create}, {"upsert", Verb::Replace}, {"update", Verb::Patch}, {"delete", Verb::Remove}}};

const Action* find_action(std::string_view name) {
  for (const Action& action : kActions) {
    if (action.name == name) return &action;
  }
  return nullptr;
}

const std::string* text(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? &value->as_string() : nullptr;
}

void report(DeclarativeErrors& errors, std::vector<PathPart> path, std::string message) {
  errors.outside.add({path, message, false});
  errors.all.add({std::move(path), std::move(message), false});
}

/// What is wrong with the entity itself, in the words of declarative files.
Violations violations_of(const Failure& failure) {
  Violations one;
  const schema::PathView root;
  switch (failure.kind) {
    case Failure::Kind::Schema:
      return failure.violations;
    case Failure::Kind::PrimaryKey:
    case Failure::Kind::Unique: {
      const auto& [column, value] = *failure.key.as_object().begin();
      const bool single = failure.key.as_object().size() == 1 && value.is_string();
      const std::string name = failure.kind == Failure::Kind::PrimaryKey ? "primary key" : column;
      one.add(root, "uniqueness violation: '" + failure.type + "' entity with " +
                        (single ? name + " set to '" + value.as_string() + "'" : schema::lua_table_text(failure.key)) +
                        " already declared");
      break;
    }
    case Failure::Kind::ForeignKey:
    case Failure::Kind::Unresolved:
      one.add(root.member(failure.field), "invalid reference '" + failure.field + ": " +
                                              failure.key.as_object().begin()->second.as_string() +
                                              "' (no such entry in '" + failure.other + "')");
      break;
    case Failure::Kind::Restricted:
    case Failure::Kind::Referenced:
      one.add(root, "an existing '" + failure.other + "' entity references this '" + failure.type + "' entity");
      break;
    case Failure::Kind::NotFound:
      one.add(root, "no such entity");
      break;
    case Failure::Kind::Precondition:
      one.add(root, "has changed meanwhile");
      break;
  }
  return one;
}

}  // namespace

class Batch::Reader {
 public:
  Reader(const entity::Catalog& catalog, const Uuid& workspace, NewIds new_ids)
      : catalog_(catalog), workspace_(workspace), new_ids_(new_ids), names_(workspace) {}

  Batch batch;
  DeclarativeErrors errors;

  void read(const Json& input) {
    if (!input.is_object()) return report(errors, {{"upsert", 0, false}}, "required field missing");
    if (const Json* transform = input.find("_transform")) transform_ = !transform->is_bool() || transform->as_bool();
    for (const auto& [name, lists] : input.as_object()) {
      const Action* action = find_action(name);
      if (name == "_transform") continue;
      if (action == nullptr) {
        report(errors, {{name, 0, false}}, "unknown field");
      } else if (!lists.is_object()) {
        report(errors, {{name, 0, false}}, "expected a record");
      } else {
        for (const auto& [type, list] : lists.as_object()) read_list(*action, type, list);
      }
    }
  }

 private:
  void read_list(const Action& action, const std::string& name, const Json& list) {
    const std::vector<PathPart> path = {{std::string(action.name), 0, false}, {name, 0, false}};
    const EntityBase* type = catalog_.find(name);
    if (type == nullptr) return report(errors, path, "unknown field");
    if (!list.is_array()) return report(errors, path, "expected an array");
    const bool removal = action.verb == Verb::Remove;
    for (std::size_t i = 0; i < list.as_array().size(); ++i) {
      const Json& item = list.as_array()[i];
      if (removal ? item.is_string() : item.is_object()) {
        add(action, *type, item, i);
        continue;
      }
      std::vector<PathPart> at = path;
      at.push_back({{}, i, true});
      report(errors, std::move(at), removal ? "expected a string" : "expected a record");
    }
  }

  void add(const Action& action, const EntityBase& type, const Json& item, std::size_t position) {
    Operation operation{.verb = action.verb, .type = &type, .workspace = workspace_};
    operation.names_refer = true;
    operation.transform = transform_;
    const std::string& column = type.endpoint_key();
    const bool has_key = !column.empty() && type.find_field(column)->unique;
    if (action.verb == Verb::Remove) {
      operation.key = item.as_string();
    } else {
      operation.document = item;
      const std::string* id = text(item, "id");
      const std::string* name = has_key ? text(item, column) : nullptr;
      if (action.verb == Verb::Patch) operation.key = id != nullptr ? *id : name != nullptr ? *name : "";
      const bool from_name = new_ids_ == NewIds::FromNames && id == nullptr && name != nullptr;
      if (from_name) operation.id_if_new = names_.id(type.name(), *name);
    }
    batch.operations_.push_back(std::move(operation));
    batch.places_.push_back({std::string(action.name), position});
  }

  const entity::Catalog& catalog_;
  const Uuid workspace_;
  const NewIds new_ids_;
  bool transform_ = true;
  entity::NameIds names_;
};

std::expected<Batch, DeclarativeErrors> Batch::read(const entity::Catalog& catalog, const Json& input,
                                                    const Uuid& workspace, NewIds new_ids) {
  Reader reader(catalog, workspace, new_ids);
  reader.read(input);
  if (!reader.errors.all.empty()) return std::unexpected(std::move(reader.errors));
  return std::move(reader.batch);
}

std::vector<PathPart> Batch::path(std::size_t operation) const {
  if (operation >= operations_.size()) return {};
  const Place& place = places_[operation];
  return {{place.action, 0, false}, {operations_[operation].type->name(), 0, false}, {{}, place.position, true}};
}

DeclarativeErrors Batch::errors(const std::vector<Failure>& failures) const {
  DeclarativeErrors errors;
  for (const Failure& failure : failures) {
    Violations violations = violations_of(failure);
    const bool known = failure.operation < operations_.size();
    const std::vector<PathPart> at = known ? path(failure.operation) : std::vector<PathPart>{{failure.type, 0, false}};
    errors.all.merge(at, violations);
    if (!known || operations_[failure.operation].verb == Verb::Remove) {
      errors.outside.merge(at, std::move(violations));
    } else {
      const Operation& operation = operations_[failure.operation];
      errors.entities.push_back({operation.type->singular(), operation.document, std::move(violations)});
    }
  }
  return errors;
}

}  // namespace sluice::control::publish
