// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/deltas.h"

#include <algorithm>
#include <utility>

#include "entity/catalog.h"
#include "entity/workspace.h"
#include "sync/wire/json_member.h"
#include "sync/wire/row_identity.h"
#include "sync/wire/type_order.h"

namespace sluice::sync::wire {
namespace {

/// Adds deltas to a list that is one text.
class DeltaList {
 public:
  DeltaList(std::string_view version, const Uuid& default_workspace, std::size_t size_hint)
      : default_workspace_(default_workspace) {
    version_ = ",\"version\":";
    append_json_string(version_, version);
    text_.reserve(size_hint);
    text_ = "[";
  }

  void put(const EntityRow& row) {
    open(row.type);
    text_ += *row.document;
    close(row.workspace);
    text_ += '}';
  }

  void remove(const EntityKey& key) {
    open(key.type);
    text_ += "null";
    close(Uuid{});
    text_ += ",\"pk\":{\"id\":\"" + key.id.to_string() + "\"}}";
  }

  std::string finish() {
    text_ += ']';
    return std::move(text_);
  }

 private:
  void open(std::string_view type) {
    if (text_.size() > 1) text_ += ',';
    text_ += "{\"type\":";
    append_json_string(text_, type);
    text_ += ",\"entity\":";
  }

  void close(const Uuid& workspace) {
    text_ += version_;
    text_ += ",\"ws_id\":\"" + (workspace.is_nil() ? default_workspace_ : workspace).to_string() + '"';
  }

  const Uuid& default_workspace_;
  std::string version_;
  std::string text_;
};

constexpr std::size_t kOverhead = 160;  // octets around a document

bool names_default_workspace(const Json& delta) {
  const Json* type = delta.find("type");
  const Json* entity = delta.find("entity");
  return type != nullptr && type->is_string() && entity != nullptr && is_default_workspace(type->as_string(), *entity);
}

/// Whatever the list says about the default workspace counts for all of it.
Uuid find_default_workspace(const Json::Array& deltas, const Uuid& known) {
  const auto found = std::ranges::find_if(deltas, names_default_workspace);
  if (found == deltas.end()) return known;
  return identity_of(entity::Workspace::kName, *found->find("entity")).value_or(known);
}

/// The text of an entity: as it came, unless another product says more or less than a document does.
Document document_of(const Json& entity, const Uuid& id) {
  const bool as_ours = entity.find("ws_id") == nullptr && entity.find("id") != nullptr;
  if (as_ours) return std::make_shared<const std::string>(to_json(entity));
  Json::Object members = entity.as_object();
  make_document(members, id);
  return std::make_shared<const std::string>(to_json(members));
}

Result<> read_delta(const Json& delta, ReadDeltas& into) {
  TRY(std::string type, text_member(delta, "type"));
  const Json* entity = delta.find("entity");
  if (entity == nullptr || entity->is_null()) {
    const Json* key = delta.find("pk");
    if (key == nullptr) return fail(Errc::Invalid, "neither entity nor pk", Blame::Upstream);
    TRY(const Uuid id, identity_of(type, *key));
    into.removals.push_back({std::move(type), id});
    return {};
  }
  if (!entity->is_object()) return fail(Errc::Invalid, "the entity is no object", Blame::Upstream);
  TRY(const Uuid id, identity_of(type, *entity));
  if (is_foreign_default(type, id, *entity)) return {};
  const Json* ws_id = delta.find("ws_id");
  if (ws_id == nullptr) ws_id = entity->find("ws_id");  // Kong says it twice
  TRY(const Uuid workspace, workspace_of(ws_id, into.default_workspace));
  into.upserts.push_back({std::move(type), id, document_of(*entity, id), workspace});
  return {};
}

std::string in_default(const Json::Object& members) {
  return to_json(Json::Array{Json::Object{{"default", members}}});
}

/// The object below "default" in what is the only element of `params`.
Result<const Json*> default_member(const Json& params) {
  TRY(const Json* only, only_element(params));
  const Json* members = only->find("default");
  if (members == nullptr) return fail(Errc::Invalid, "no member \"default\"", Blame::Upstream);
  return members;
}

}  // namespace

std::string deltas_text(std::span<const EntityRow> upserts, std::span<const EntityKey> removals,
                        std::string_view version, const Uuid& default_workspace) {
  std::size_t size = 2 + removals.size() * 2 * kOverhead;
  for (const EntityRow& row : upserts) size += row.document->size() + kOverhead;
  DeltaList list(version, default_workspace, size);
  for (const EntityKey* key : children_first(removals)) list.remove(*key);
  for (const EntityRow* row : parents_first(upserts)) list.put(*row);
  return list.finish();
}

EntityRow default_workspace_row(const entity::Catalog& catalog, const Uuid& default_workspace) {
  using entity::Workspace;
  Workspace workspace;
  workspace.id.value = default_workspace;
  workspace.created_at = workspace.updated_at = 1;  // any time will do, but it must stay the same
  workspace.name = Workspace::kDefaultName;
  const Json document = catalog.of<Workspace>().write(workspace);
  return {std::string(Workspace::kName), default_workspace, std::make_shared<const std::string>(to_json(document))};
}

Result<ReadDeltas> read_deltas(const Json& deltas, const Uuid& default_workspace) {
  ReadDeltas read;
  read.default_workspace = default_workspace;
  if (deltas.is_object() && deltas.as_object().empty()) return read;  // how Lua writes an empty list
  if (!deltas.is_array()) return fail(Errc::Invalid, "deltas are no list", Blame::Upstream);
  read.default_workspace = find_default_workspace(deltas.as_array(), default_workspace);
  for (std::size_t i = 0; i < deltas.as_array().size(); ++i) {
    if (auto done = read_delta(deltas.as_array()[i], read); !done) {
      return fail("delta " + std::to_string(i) + ": ", std::move(done).error());
    }
  }
  if (deltas.as_array().empty()) return read;
  TRY(read.version, text_member(deltas.as_array().back(), "version"));
  return read;
}

std::string get_delta_params(std::string_view version) {
  return in_default({{"version", version}});
}

Result<std::string> read_get_delta_params(const Json& params) {
  TRY(const Json* members, default_member(params));
  return text_member(*members, "version");
}

std::string get_delta_result(std::string_view deltas, bool full) {
  std::string text = "{\"default\":{\"deltas\":";
  text += deltas;
  text += full ? ",\"full_sync\":true}}" : ",\"full_sync\":false}}";
  return text;
}

Result<GetDeltaResult> read_get_delta_result(const Json& result) {
  const Json* members = result.find("default");
  const Json* deltas = members != nullptr ? members->find("deltas") : nullptr;
  if (deltas == nullptr) return fail(Errc::Invalid, "get_delta: no deltas in the answer", Blame::Upstream);
  const Json* full = members->find("full_sync");
  if (full == nullptr) full = members->find("wipe");
  return GetDeltaResult{deltas, full != nullptr && full->is_bool() && full->as_bool()};
}

std::string new_version_params(std::string_view version) {
  return in_default({{"new_version", version}});
}

Result<std::string> read_new_version_params(const Json& params) {
  TRY(const Json* members, default_member(params));
  return text_member(*members, "new_version");
}

}  // namespace sluice::sync::wire
