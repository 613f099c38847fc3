// SPDX-License-Identifier: Apache-2.0
#include "schema/record_base.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace sluice::schema {
namespace {

bool known_to(const Field& field, Since::Axis axis, int major, int minor) {
  return std::ranges::all_of(field.since, [&](const Since& since) {
    return since.axis != axis || std::pair(major, minor) >= std::pair(since.major, since.minor);
  });
}

/// A struct has no null for a plain member: there, empty means unset.
bool stands_for_null(const Field& field, const Json& value) {
  if (value.is_string()) return value.as_string().empty() && !field.allow_empty;
  if (field.required || field.preset) return false;
  return (value.is_array() && value.as_array().empty()) || (value.is_object() && value.as_object().empty());
}

const Json* at_path(const Json& document, const std::vector<std::string>& path) {
  const Json* at = &document;
  for (const auto& name : path) {
    at = at->find(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

}  // namespace

RecordBase& RecordBase::doc(std::string text) {
  doc_ = std::move(text);
  return *this;
}

Field& RecordBase::add_field(Field field) {
  SLUICE_ASSERT(find_field(field.name) == nullptr);
  return fields_.emplace_back(std::move(field));
}

RecordBase& RecordBase::check(EntityCheck check) {
  checks_.push_back(std::move(check));
  return *this;
}

RecordBase& RecordBase::plugin_check(EntityCheck check) {
  plugin_checks_.push_back(std::move(check));
  return *this;
}

RecordBase& RecordBase::shorthand(Shorthand shorthand) {
  shorthands_.push_back(std::move(shorthand));
  return *this;
}

Shorthand& RecordBase::shorthand_for(std::string name, Type type, std::vector<std::string> path) {
  Shorthand shorthand;
  shorthand.field.name = std::move(name);
  shorthand.field.type = type;
  shorthand.field.allow_empty = true;
  std::string dotted;
  for (const auto& part : path) dotted += (dotted.empty() ? "" : ".") + part;
  shorthand.field.deprecation = Deprecation{"use " + dotted + " instead", {}};
  shorthand.translated_to = path;
  shorthand.expand = [path = std::move(path)](const Json& value) -> std::expected<Json::Object, std::string> {
    Json nested = value;
    for (auto name = path.rbegin(); name != path.rend(); ++name) {
      Json::Object outer;
      outer.append(*name, std::move(nested));
      nested = std::move(outer);
    }
    return std::move(nested.as_object());
  };
  return shorthands_.emplace_back(std::move(shorthand));
}

RecordBase& RecordBase::normalize(Transform change) {
  normalizations_.push_back(std::move(change));
  return *this;
}

RecordBase& RecordBase::transform(Transform change) {
  transforms_.push_back(std::move(change));
  return *this;
}

RecordBase& RecordBase::cases(CaseSelector selector) {
  cases_ = std::move(selector);
  return *this;
}

const Field* RecordBase::find_field(std::string_view name) const {
  for (const auto& field : fields_) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

Field* RecordBase::find_field(std::string_view name) {
  return const_cast<Field*>(std::as_const(*this).find_field(name));
}

const RecordBase* RecordBase::special_case(const Json::Object& document) const {
  Violations ignored;
  return cases_ ? cases_(document, ignored) : nullptr;
}

const Field* RecordBase::find_field(std::string_view name, const RecordBase* special) const {
  const Field* field = special != nullptr ? special->find_field(name) : nullptr;
  return field != nullptr ? field : find_field(name);
}

/// Calls `visit(field, text)` for each string of the value that the field, its elements or its record describe.
template <class Visit>
void RecordBase::each_text(const Field& field, Json& value, const Visit& visit) {
  if (value.is_string()) {
    visit(field, value.as_string());
  } else if (value.is_array() && field.element) {
    for (auto& item : value.as_array()) each_text(*field.element, item, visit);
  } else if (value.is_object() && field.record) {
    field.record->each_text(value, visit);
  } else if (value.is_object() && field.element) {
    for (auto& [name, member] : value.as_object()) each_text(*field.element, member, visit);
  }
}

template <class Visit>
void RecordBase::each_text(Json& document, const Visit& visit) const {
  if (!document.is_object()) return;
  const RecordBase* special = special_case(document.as_object());
  for (auto& [name, member] : document.as_object()) {
    if (const Field* field = find_field(name, special)) each_text(*field, member, visit);
  }
}

Json RecordBase::merge_patch(const Json& current, const Json& patch) const {
  if (!current.is_object() || !patch.is_object()) return patch;
  Json merged = current;
  Json::Object changes = patch.as_object();
  for (const auto& shorthand : shorthands_) {
    const Json* given = find_field(shorthand.field.name) != nullptr ? changes.find(shorthand.field.name) : nullptr;
    if (given == nullptr) continue;
    if (auto members = shorthand.expand(*given)) {
      for (auto& [name, value] : *members) changes.set(name, std::move(value));
    }
  }
  const RecordBase* special = nullptr;
  if (cases_) {
    // What chooses the case may stand in either: a patch of a plugin need not name the plugin.
    Json::Object both = merged.as_object();
    for (const auto& [name, value] : changes) both.set(name, value);
    special = special_case(both);
  }
  for (const auto& [name, value] : changes) {
    Json& slot = merged.as_object()[name];
    const Field* field = find_field(name, special);
    if (field != nullptr && field->record && slot.is_object() && value.is_object()) {
      slot = field->record->merge_patch(slot, value);
    } else {
      slot = value;
    }
  }
  return merged;
}

void RecordBase::add_shorthands(Json& document) const {
  if (!document.is_object()) return;
  const RecordBase* special = special_case(document.as_object());
  for (auto& [name, value] : document.as_object()) {
    const Field* field = find_field(name, special);
    if (field != nullptr && field->record) field->record->add_shorthands(value);
  }
  for (const auto& shorthand : shorthands_) {
    if (shorthand.translated_to.empty()) continue;
    const Json* value = at_path(document, shorthand.translated_to);
    Json copy = value != nullptr ? *value : Json();
    document.as_object().set(shorthand.field.name, std::move(copy));
  }
}

Json RecordBase::defaults() const {
  Json::Object result;
  result.reserve(fields_.size());
  for (const auto& field : fields_) {
    if (field.preset) {
      result.append(field.name, *field.preset);
    } else if (field.record && field.required) {
      result.append(field.name, field.record->defaults());
    } else {
      result.append(field.name, nullptr);
    }
  }
  return result;
}

void RecordBase::visit_references(Json& document, const std::function<void(std::string&)>& visit) const {
  each_text(document, [&](const Field& field, std::string& text) {
    if (field.referenceable && is_reference(text)) visit(text);
  });
}

bool confidential(const Field& field) {
  return field.secret || field.encrypted || field.automatic == Auto::RandomString;
}

/// What marks a list or a map marks all that it holds; what nothing describes is secret down to its last text.
void RecordBase::each_secret(const Field& field, Json& value, bool marked,
                             const std::function<void(std::string&)>& visit) {
  marked = marked || confidential(field);
  if (value.is_string()) {
    if (marked && !is_reference(value.as_string())) visit(value.as_string());
  } else if (value.is_array() && field.element) {
    for (auto& item : value.as_array()) each_secret(*field.element, item, marked, visit);
  } else if (value.is_object() && field.record) {
    field.record->visit_secrets(value, visit);
  } else if (value.is_object() && field.element) {
    for (auto& [name, member] : value.as_object()) each_secret(*field.element, member, marked, visit);
  } else if (value.is_object() && marked) {
    for (auto& [name, member] : value.as_object()) each_secret(field, member, marked, visit);
  } else if (value.is_array() && marked) {
    for (auto& item : value.as_array()) each_secret(field, item, marked, visit);
  }
}

void RecordBase::visit_secrets(Json& document, const std::function<void(std::string&)>& visit) const {
  if (!document.is_object()) return;
  const RecordBase* special = special_case(document.as_object());
  for (auto& [name, member] : document.as_object()) {
    // The configuration of a plugin or vault that nothing here describes, such as one that is switched off: all of it.
    if (const Field* field = find_field(name, special)) each_secret(*field, member, field->abstract, visit);
  }
}

bool RecordBase::may_hold_secrets() const {
  return cases_ != nullptr || std::ranges::any_of(fields_, [](const Field& field) {
           for (const Field* at = &field; at != nullptr; at = at->element.get()) {
             if (confidential(*at) || (at->record && at->record->may_hold_secrets())) return true;
           }
           return false;
         });
}

void RecordBase::redact(Json& document) const {
  each_text(document, [](const Field& field, std::string& text) {
    if (field.secret && !is_reference(text)) text = "***";
  });
}

void RecordBase::downgrade(Json& document, Since::Axis axis, int major, int minor) const {
  if (!document.is_object()) return;
  const RecordBase* special = special_case(document.as_object());
  for (const auto& declared : fields_) {
    const Field& field = *find_field(declared.name, special);
    Json* value = document.find(field.name);
    if (value == nullptr) continue;
    if (!known_to(field, axis, major, minor)) {
      document.as_object().erase(field.name);
    } else if (field.record) {
      field.record->downgrade(*value, axis, major, minor);
    } else if (field.element && field.element->record && value->is_array()) {
      for (auto& item : value->as_array()) field.element->record->downgrade(item, axis, major, minor);
    }
  }
}

void RecordBase::read_into(const Json& document, void* object) const {
  if (!document.is_object()) return;
  const auto& members = document.as_object();
  auto expected = fields_.begin();
  for (const auto& [name, value] : members) {
    // Canonical documents list their members in the order of the fields: look there first.
    const Field* field = nullptr;
    if (expected != fields_.end() && expected->name == name) {
      field = &*expected++;
    } else {
      field = find_field(name);
    }
    if (field != nullptr && field->read != nullptr && !value.is_null()) field->read(*field, value, object);
  }
}

Json RecordBase::write_from(const void* object) const {
  Json::Object result;
  result.reserve(fields_.size());
  for (const auto& field : fields_) {
    Json value = field.write != nullptr ? field.write(field, object) : Json();
    if (stands_for_null(field, value)) value = nullptr;
    result.append(field.name, std::move(value));
  }
  return result;
}

}  // namespace sluice::schema
