// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/row_identity.h"

#include <string>
#include <utility>

#include "entity/consumer_group.h"
#include "entity/name_id.h"
#include "entity/workspace.h"

namespace sluice::sync::wire {
namespace {

/// A reference as either protocol has it: an id, or an object with one.
Result<Uuid> referred(const Json& entity, std::string_view name) {
  const Json* reference = entity.find(name);
  if (reference != nullptr && reference->is_object()) reference = reference->find("id");
  if (reference == nullptr || !reference->is_string()) {
    return fail(Errc::Invalid, "neither id nor " + std::string(name), Blame::Upstream);
  }
  return Uuid::parse(reference->as_string());
}

}  // namespace

Result<Uuid> identity_of(std::string_view type, const Json& entity) {
  const Json* id = entity.find("id");
  if (id != nullptr && id->is_string()) return Uuid::parse(id->as_string());
  using Membership = entity::ConsumerGroupConsumer;
  if (type != Membership::kName) return fail(Errc::Invalid, "no id", Blame::Upstream);
  TRY(const Uuid group, referred(entity, "consumer_group"));
  TRY(const Uuid consumer, referred(entity, "consumer"));
  return entity::NameIds().id(type, std::string(type) + ":*:" + group.to_string() + ':' + consumer.to_string());
}

Result<Uuid> workspace_of(const Json* ws_id, const Uuid& default_workspace) {
  if (ws_id == nullptr || ws_id->is_null()) return Uuid{};
  if (!ws_id->is_string()) return fail(Errc::Invalid, "ws_id is no text", Blame::Upstream);
  TRY(const Uuid workspace, Uuid::parse(ws_id->as_string()));
  return workspace == default_workspace ? Uuid{} : workspace;
}

bool is_default_workspace(std::string_view type, const Json& entity) {
  const Json* name = entity.find("name");
  return type == entity::Workspace::kName && name != nullptr && *name == Json(entity::Workspace::kDefaultName);
}

bool is_foreign_default(std::string_view type, const Uuid& id, const Json& entity) {
  return is_default_workspace(type, entity) && id.to_string() != entity::Workspace::kDefaultId;
}

void make_document(Json::Object& entity, const Uuid& id) {
  entity.erase("ws_id");
  if (const Json* known = entity.find("id"); known != nullptr && known->is_string()) return;
  entity.set("id", id.to_string());
}

}  // namespace sluice::sync::wire
