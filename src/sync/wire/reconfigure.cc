// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/reconfigure.h"

#include <unordered_set>
#include <utility>

#include "base/assert.h"
#include "entity/catalog.h"
#include "entity/workspace.h"
#include "sync/gzip.h"
#include "sync/wire/deltas.h"
#include "sync/wire/type_order.h"

namespace sluice::sync::wire {
namespace {

constexpr int kLevel = 3;  // half the time of zlib's default for a tenth more octets

/// Which rows a data plane has no use for. Asked in the order of the types, so that what a row hangs on is known.
class LeftOut {
 public:
  bool operator()(const EntityRow& row, const Json& document) {
    const bool switchable = row.type == "services" || row.type == "plugins";
    const bool out = (switchable && is_false(document.find("enabled"))) || hangs_on(document, "service") ||
                     hangs_on(document, "route");
    if (out && row.type != "plugins") gone_.insert(row.id);
    return out;
  }

 private:
  static bool is_false(const Json* value) { return value != nullptr && value->is_bool() && !value->as_bool(); }

  bool hangs_on(const Json& document, std::string_view field) const {
    if (gone_.empty()) return false;
    const Json* reference = document.find(field);
    const Json* id = reference != nullptr ? reference->find("id") : nullptr;
    if (id == nullptr || !id->is_string()) return false;
    const auto parsed = Uuid::parse(id->as_string());
    return parsed && gone_.contains(*parsed);
  }

  std::unordered_set<Uuid> gone_;  // services and routes
};

/// Writes `config_table` row by row.
class ConfigTable {
 public:
  ConfigTable(const entity::Catalog& catalog, const Uuid& default_workspace, Gzip& out)
      : catalog_(catalog), default_workspace_(default_workspace), out_(out) {
    out_.add(R"({"_format_version":"3.0","_transform":false)");
  }

  void add(const EntityRow& row) {
    const schema::EntityBase* type = catalog_.find(row.type);
    text_.clear();
    if (type == nullptr || (type->foreign_fields().empty() && row.type != "services")) {
      text_ = *row.document;
    } else {
      auto document = parse_json(*row.document);
      if (SLUICE_BUG(!document)) return;
      if (left_out_(row, *document)) return;
      flatten(*type, *document);
      append_json(text_, *document);
    }
    if (type == nullptr || type->workspaceable()) name_workspace(row.workspace);
    open(row.type);
    out_.add(text_);
  }

  void finish() { out_.add(type_.empty() ? "}" : "]}"); }

 private:
  /// References as plain ids.
  static void flatten(const schema::EntityBase& type, Json& document) {
    for (const schema::Field* field : type.foreign_fields()) {
      Json* reference = document.find(field->name);
      Json* id = reference != nullptr ? reference->find("id") : nullptr;
      if (id == nullptr) continue;
      Json plain = std::move(*id);
      *reference = std::move(plain);
    }
  }

  void name_workspace(const Uuid& workspace) {
    if (SLUICE_BUG(text_.size() < 2 || text_.back() != '}')) return;
    text_.pop_back();
    text_ += text_.size() > 1 ? ",\"ws_id\":\"" : "\"ws_id\":\"";
    text_ += (workspace.is_nil() ? default_workspace_ : workspace).to_string() + "\"}";
  }

  /// Begins the next element of the list of that type.
  void open(const std::string& type) {
    if (type == type_) {
      out_.add(",");
      return;
    }
    std::string opening = type_.empty() ? "," : "],";
    append_json_string(opening, type);
    out_.add(opening += ":[");
    type_ = type;
  }

  const entity::Catalog& catalog_;
  const Uuid& default_workspace_;
  Gzip& out_;
  LeftOut left_out_;
  std::string type_;  // of the list that is open; empty: none is
  std::string text_;
};

Json to_object(const PartHashes& hashes) {
  return Json::Object{{"config", hashes.config},   {"routes", hashes.routes},       {"services", hashes.services},
                      {"plugins", hashes.plugins}, {"upstreams", hashes.upstreams}, {"targets", hashes.targets}};
}

bool names_default(std::span<const EntityRow> rows, const Uuid& default_workspace) {
  for (const EntityRow& row : rows) {
    if (row.id == default_workspace && row.type == entity::Workspace::kName) return true;
  }
  return false;
}

}  // namespace

std::string reconfigure_frame(const entity::Catalog& catalog, std::span<const EntityRow> rows,
                              const Uuid& default_workspace, const PartHashes& hashes, double timestamp) {
  Gzip out(kLevel);
  out.add(R"({"type":"reconfigure","timestamp":)" + to_json(Json(timestamp)) + ",\"config_table\":");
  ConfigTable table(catalog, default_workspace, out);
  if (!names_default(rows, default_workspace)) table.add(default_workspace_row(catalog, default_workspace));
  for (const EntityRow* row : parents_first(rows)) table.add(*row);
  table.finish();
  out.add(",\"config_hash\":" + to_json(Json(hashes.config)) + ",\"hashes\":" + to_json(to_object(hashes)) + "}");
  return out.finish();
}

}  // namespace sluice::sync::wire
