// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/publish/draft.h"
#include "control/publish/operation.h"
#include "entity/catalog.h"

// The parts of carrying out a transaction's operations; what each of them sees and adds to.
namespace sluice::control::publish {

/// What operations have done so far, and what is wrong with them.
struct Work {
  const entity::Catalog& catalog;
  Draft& draft;
  double now = 0;  // Unix seconds

  struct Place {
    const schema::EntityBase* type;
    Uuid id;
    Uuid workspace;
    std::size_t operation;
    std::string before = {};  // of a workspace that was there: its name
  };
  std::vector<Place> put = {};      // every row that was written, also as a consequence
  std::vector<Place> removed = {};  // the same for rows that went
  std::vector<Place> expired = {};  // rows past their time that stand in the way of others
  std::set<std::pair<std::string_view, Uuid>> written = {};
  std::vector<Failure> failures = {};

  [[nodiscard]] const store::Space& space(const Uuid& workspace) const { return draft.store().space(workspace); }
  void write(const schema::EntityBase& type, const Uuid& id, const Uuid& workspace, sync::Document document,
             std::size_t operation);
  void fail(Failure failure) { failures.push_back(std::move(failure)); }
  void fail(std::size_t operation, const schema::EntityBase& type, schema::Violations violations);
};

/// The spaces in which an entity of `type` in `workspace` may be referred to, or clash.
std::vector<const store::Space*> spaces_of(const Work& work, bool everywhere, const Uuid& workspace);

/// Turns references by name into such by id; with `names_refer`, plain strings too. False when one means nothing.
bool resolve_references(Work& work, const Operation& operation, std::size_t position, Json::Object& document);

/// Turns the links of a plugin that name partials into such by id. False when one names none.
bool resolve_links(Work& work, const Operation& operation, std::size_t position, Json& document);

/// Removes a row and what cannot be without it; references that may be empty become so.
void remove_row(Work& work, const schema::EntityBase& type, const Uuid& workspace, const Uuid& id,
                std::size_t operation);

/// What must hold between entities: unique columns, references, plugins' protocols. Called when all is in the draft.
void check_rows(Work& work);
/// Whether a plugin's partials are there, and whether those that are linked to a partial go with what it says.
void check_links(Work& work, const Work::Place& place, const std::string& document);
void check_linked_plugins(Work& work, const Work::Place& place);
/// Whether nothing is linked to a partial that went.
void check_unlinked(Work& work, const Work::Place& place);
/// Whether what is left refers to what went.
void check_removals(Work& work);

/// The names of a certificate, as they are given together with it: `snis` of the document. Null unless they are.
Json take_names(const schema::EntityBase& type, Json::Object& document);
/// Makes and removes SNIs until the certificate has exactly these.
void put_names(Work& work, const Operation& operation, std::size_t position, const Uuid& certificate,
               const Json& names);

}  // namespace sluice::control::publish
