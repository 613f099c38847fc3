// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/uuid.h"
#include "cli/gateway/admin_client.h"
#include "cli/state_file.h"
#include "entity/catalog.h"

namespace sluice::cli {

/// An entity as it is or should be: its canonical document, and the same as a text in which everything is left out that
/// does not make a difference (id, timestamps, the order of sets).
struct StateEntity {
  const schema::EntityBase* type = nullptr;  // of the catalog
  Uuid id;                                   // nil: the API does not tell (memberships)
  Json document;
  std::string comparable;

  StateEntity(const schema::EntityBase& entity_type, const Uuid& entity_id, Json canonical);
};

/// A configuration, in the order of the catalog: what is referred to stands before what refers to it.
struct State {
  std::vector<StateEntity> entities;
};

struct ReadOptions {
  std::vector<std::string> tags;                                // only entities that carry all of them
  std::map<std::string, std::vector<std::string>> lookup_tags;  // by type, as StateFile has them
  bool skip_consumers = false;                                  // and what belongs to consumers
};

struct CurrentState {
  State managed;
  State lookup;                    // entities that may be referred to and are never written
  bool without_consumers = false;  // they, and what belongs to them, are nobody's business here
  std::set<std::string> versions;  // ETags of what was read. None: the server gives none; several: it changed meanwhile
};

/// Everything that an Admin API has. Collections that it does not know are empty.
Result<CurrentState> read_current(AdminClient& client, const entity::Catalog& catalog, const ReadOptions& options);

/// Whether an entity is a consumer or belongs to one: credentials, memberships, a consumer's plugins.
bool belongs_to_consumer(const schema::EntityBase& type, const Json& document);

/// What a file wants, with the ids that the same entities have in `current`: by id where the file gives one, else by
/// name and other natural keys. New entities get new ids. Leaves out consumers where `current` does. The error lists
/// everything that is wrong, one line each.
Result<State> wanted_state(const entity::Catalog& catalog, StateFile file, const CurrentState& current);

/// The file alone, for validation: rows as a gateway without a database would load them.
Result<> check_state_file(const entity::Catalog& catalog, StateFile file);

/// The first entity with a secret that reads "***", which is how a server shows it to those who must not see it. Null
/// when there is none.
const StateEntity* find_hidden_secret(const State& state);

/// By what else than its id an entity is known, most telling first: values of unique fields, then the columns that are
/// unique together.
std::vector<std::string> natural_keys(const schema::EntityBase& type, const Json& document);

/// Finds the entities of a state by id and by natural key. Borrows the state.
class StateIndexView {
 public:
  explicit StateIndexView(const State& state);
  [[nodiscard]] const StateEntity* by_id(const schema::EntityBase& type, const Uuid& id) const;
  [[nodiscard]] const StateEntity* by_keys(const schema::EntityBase& type, const Json& document) const;

 private:
  std::unordered_map<std::string, const StateEntity*, StringHash, std::equal_to<>> ids_;
  std::unordered_map<std::string, const StateEntity*, StringHash, std::equal_to<>> keys_;
};

}  // namespace sluice::cli
