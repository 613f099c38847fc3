// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "entity/catalog.h"
#include "entity/workspace.h"
#include "sync/gzip.h"
#include "sync/wire/reconfigure.h"
#include "sync/wire/row_identity.h"

namespace sluice::sync::wire {
namespace {

constexpr std::size_t kHashSize = 32;

std::unexpected<Error> invalid(std::string why) {
  return fail(Errc::Invalid, "reconfigure: " + std::move(why), Blame::Upstream);
}

/// What the control plane calls its default workspace; nil when it does not say.
Result<Uuid> default_workspace_of(const Json& config_table) {
  const Json* workspaces = config_table.find(entity::Workspace::kName);
  if (workspaces == nullptr || !workspaces->is_array()) return Uuid{};
  for (const Json& each : workspaces->as_array()) {
    if (is_default_workspace(entity::Workspace::kName, each)) return identity_of(entity::Workspace::kName, each);
  }
  return Uuid{};
}

/// References as objects again.
void unflatten(const schema::EntityBase& type, Json& document) {
  for (const schema::Field* field : type.foreign_fields()) {
    Json* reference = document.find(field->name);
    if (reference == nullptr || !reference->is_string()) continue;
    Json id = std::move(*reference);
    *reference = Json::Object{{"id", std::move(id)}};
  }
}

Result<> read_row(const entity::Catalog& catalog, const std::string& type, const Uuid& default_workspace, Json entity,
                  Delta& into) {
  if (!entity.is_object()) return invalid("no object");
  TRY(const Uuid id, identity_of(type, entity));
  if (is_foreign_default(type, id, entity)) return {};
  TRY(const Uuid workspace, workspace_of(entity.find("ws_id"), default_workspace));
  make_document(entity.as_object(), id);
  if (const schema::EntityBase* known = catalog.find(type)) unflatten(*known, entity);
  into.upserts.push_back({type, id, std::make_shared<const std::string>(to_json(entity)), workspace});
  return {};
}

/// The rows of each type; frees the lists as it goes.
Result<> read_rows(const entity::Catalog& catalog, Json& config_table, Delta& into) {
  TRY(const Uuid default_workspace, default_workspace_of(config_table));
  for (auto& [type, list] : config_table.as_object()) {
    if (type.starts_with('_')) continue;                                             // _format_version, _transform, ...
    if (list.is_null() || (list.is_object() && list.as_object().empty())) continue;  // how Lua writes an empty list
    if (!list.is_array()) return invalid(type + " is no list");
    Json::Array rows = std::move(list.as_array());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (auto done = read_row(catalog, type, default_workspace, std::move(rows[i]), into); !done) {
        return fail(type + '[' + std::to_string(i) + "]: ", std::move(done).error());
      }
    }
  }
  return {};
}

Result<std::string> hash_of(const Json& message, const Json& config_table) {
  const Json* hash = message.find("config_hash");
  if (hash == nullptr || hash->is_null()) return kong_hashes(config_table).config;
  if (!hash->is_string() || hash->as_string().size() != kHashSize) return invalid("config_hash is no 32 characters");
  return hash->as_string();
}

Result<Json> unpacked(std::string_view frame, std::size_t limit) {
  TRY(const std::string text, gunzip(frame, limit, Gunzip::Ratio::Bounded));
  return parse_json(text);
}

}  // namespace

Result<Reconfigure> read_reconfigure(const entity::Catalog& catalog, std::string_view frame, std::size_t limit) {
  TRY(Json message, unpacked(frame, limit));
  const Json* type = message.find("type");
  if (type == nullptr || !(*type == Json("reconfigure"))) return invalid("another type of message");
  Json* config_table = message.find("config_table");
  if (config_table == nullptr || !config_table->is_object()) return invalid("no config_table");
  Reconfigure read;
  read.delta.complete = true;
  TRY(read.delta.hash, hash_of(message, *config_table));
  TRY(read_rows(catalog, *config_table, read.delta));
  return read;
}

}  // namespace sluice::sync::wire
