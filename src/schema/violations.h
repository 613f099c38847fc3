// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sluice::schema {

/// Where validation stands inside a document: a chain on the stack, so that following a path costs nothing until
/// something is wrong. Borrows its parent and its name.
struct PathView {
  const PathView* parent = nullptr;
  std::string_view name;  // of a member; empty for an element
  std::size_t index = 0;  // of an element, from 0
  bool is_index = false;

  [[nodiscard]] PathView member(std::string_view member_name) const { return {this, member_name, 0, false}; }
  [[nodiscard]] PathView element(std::size_t position) const { return {this, {}, position, true}; }
};

struct PathPart {
  std::string name;
  std::size_t index = 0;
  bool is_index = false;
};

/// One thing that is wrong. `entity` marks a rule over several fields; its path is that of the record.
struct Violation {
  std::vector<PathPart> path;
  std::string message;
  bool entity = false;

  /// `config.rules[2].limit`, elements counted from 0; empty for the document itself.
  [[nodiscard]] std::string where() const;
};

/// Everything that is wrong with one document, in the order found.
class Violations {
 public:
  void add(const PathView& path, std::string message);
  /// A broken rule over several fields of the record at `path` (Kong's "@entity" list).
  void add_entity(const PathView& path, std::string message);
  void add(Violation violation) { items_.push_back(std::move(violation)); }
  /// Takes over all of `other`, moved below `path`.
  void merge(const PathView& path, Violations other);
  void merge(const std::vector<PathPart>& path, Violations other);

  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }
  /// Whether something was found at or below the member `name` of the document.
  [[nodiscard]] bool touches(std::string_view name) const;

  /// Kong's `fields`: members nest, elements stand at their position (null before them), "@entity" holds a list.
  [[nodiscard]] Json fields() const;
  /// `schema violation (host: required field missing)` or `2 schema violations (...)`; reference/gateway.md, 2.3.
  [[nodiscard]] std::string message() const;
  /// The whole error body: code 2, name, message, fields.
  [[nodiscard]] Json body() const;
  /// Each violation on its own: `{"type":"field","field":"config.paths.1","message":..}`, elements counted from 1, or
  /// `{"type":"entity","message":..}`.
  [[nodiscard]] Json flattened() const;
  /// One `path: message` a line, for people.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Violation> items_;
};

/// A value as Penlight prints a Lua table, which is how Kong shows nested errors: `{name="x",{...}}` with an empty
/// `indent`, else one entry a line. Members are sorted by name; a null prints as nothing inside an array.
std::string lua_table_text(const Json& value, std::string_view indent = "");

}  // namespace sluice::schema
