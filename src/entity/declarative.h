// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/uuid.h"
#include "entity/catalog.h"
#include "schema/violations.h"

namespace sluice::entity {

/// One entity as it is stored: compact, since a configuration may have a hundred thousand of them.
struct Row {
  const schema::EntityBase* type = nullptr;  // of the catalog
  Uuid id;
  std::string document;  // the canonical document, compact JSON

  /// The document as a value. A row holds what was written with to_json(), so this does not fail.
  [[nodiscard]] Json json() const;
};

/// What is wrong with an entity of a file, in the form in which clients map errors to their own objects.
struct EntityErrors {
  std::string type;  // "service"
  Json entity;       // as it was given, without the entities nested in it
  schema::Violations violations;
};

/// Everything that is wrong with a declarative configuration.
struct DeclarativeErrors {
  schema::Violations all;  // with paths from the top: `services[0].routes[1].paths[0]`
  std::vector<EntityErrors> entities;
  schema::Violations outside;  // those of no entity: `_format_version`, unknown keys
  Json references;             // Kong's form, {"routes":{"<name>":["..."]}}; null when there is more than references

  /// Kong's body: code 14, message, fields. reference/gateway.md, 2.5.
  [[nodiscard]] Json body() const;
  /// The same with `flattened_errors`; what is listed there is left out of `fields`.
  [[nodiscard]] Json flattened_body() const;
};

struct DeclarativeOptions {
  double now = 0;  // Unix seconds for timestamps; 0 means the wall clock
};

/// Converts a configuration in Kong's declarative format (1.1, 2.1 or 3.0; nested or flat) to rows, in an order in
/// which each stands behind those that it refers to. All or nothing.
std::expected<std::vector<Row>, DeclarativeErrors> load_declarative(const Catalog& catalog, const Json& input,
                                                                    const DeclarativeOptions& options = {});

/// The reverse: a flat configuration of format 3.0, with ids as references and without what is null.
Json export_declarative(const Catalog& catalog, const std::vector<Row>& rows);

}  // namespace sluice::entity
