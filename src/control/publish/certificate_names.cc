// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "control/publish/carrying_out.h"
#include "control/publish/lookup.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::publish {
namespace {

void refuse(Work& work, const Operation& operation, std::size_t position, std::string message) {
  schema::Violations violations;
  const schema::PathView root;
  violations.add(root.member("snis"), std::move(message));
  work.fail(position, *operation.type, std::move(violations));
}

void make_name(Work& work, const Operation& operation, std::size_t position, const Uuid& certificate,
               const std::string& name) {
  const auto& type = *work.catalog.find(entity::Sni::kName);
  Json input = Json::Object{{"name", name}, {"certificate", Json::Object{{"id", certificate.to_string()}}}};
  auto document = type.process(std::move(input), {.now = work.now});
  if (!document) return refuse(work, operation, position, (*document.error().begin()).message);
  const Uuid id = *Uuid::parse(document->find("id")->as_string());
  work.write(type, id, operation.workspace, std::make_shared<const std::string>(to_json(*document)), position);
}

}  // namespace

Json take_names(const schema::EntityBase& type, Json::Object& document) {
  if (type.name() != entity::Certificate::kName) return {};
  const Json* given = document.find("snis");
  if (given == nullptr) return {};
  Json names = *given;
  document.erase("snis");
  return names;
}

void put_names(Work& work, const Operation& operation, std::size_t position, const Uuid& certificate,
               const Json& names) {
  const auto& type = *work.catalog.find(entity::Sni::kName);
  if (!names.is_array() || !std::ranges::all_of(names.as_array(), &Json::is_string)) {
    return refuse(work, operation, position, "expected a set");
  }
  std::set<std::string> wanted;
  for (const Json& name : names.as_array()) wanted.insert(name.as_string());
  const store::Table& snis = work.space(operation.workspace).table(type.name());
  for (const Uuid& id : children(snis, "certificate", certificate)) {
    const auto name = store::member_texts(**snis.find(id), "name");
    if (name.empty() || wanted.erase(name.front()) == 0) remove_row(work, type, operation.workspace, id, position);
  }
  for (const std::string& name : wanted) {
    const Uuid taken = snis.find_unique("name", name);
    if (taken.is_nil()) {
      make_name(work, operation, position, certificate, name);
    } else {
      refuse(work, operation, position,
             name + " already associated with existing certificate '" +
                 referred(**snis.find(taken), "certificate").to_string() + "'");
    }
  }
}

}  // namespace sluice::control::publish
