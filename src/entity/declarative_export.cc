// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "entity/declarative.h"

namespace sluice::entity {
namespace {

/// The document without what is null; a reference becomes the id alone.
Json shortened(const schema::EntityBase& type, Json document) {
  Json::Object result;
  for (auto& [name, value] : document.as_object()) {
    if (value.is_null()) continue;
    const schema::Field* field = type.find_field(name);
    const Json* id = field != nullptr && field->type == schema::Type::Foreign ? value.find("id") : nullptr;
    if (id != nullptr) {
      result.append(name, *id);
    } else {
      result.append(name, std::move(value));
    }
  }
  return result;
}

}  // namespace

Json export_declarative(const Catalog& catalog, const std::vector<Row>& rows) {
  Json::Object file{{"_format_version", "3.0"}, {"_transform", false}};
  for (const auto& type : catalog.types()) {
    Json::Array list;
    for (const auto& row : rows) {
      if (row.type == type.get()) list.push_back(shortened(*type, row.json()));
    }
    if (!list.empty()) file.append(type->name(), std::move(list));
  }
  return file;
}

}  // namespace sluice::entity
