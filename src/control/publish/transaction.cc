// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/time.h"
#include "control/publish/carrying_out.h"
#include "control/publish/change.h"
#include "control/publish/lookup.h"
#include "control/publish/share_unchanged.h"
#include "entity/all.h"

namespace sluice::control::publish {
namespace {

using schema::EntityBase;
using Kind = Failure::Kind;

const std::string* text(const Json::Object& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? &value->as_string() : nullptr;
}

/// Carries out one operation after the other.
class Run {
 public:
  Run(const entity::Catalog& catalog, Draft& draft, const std::vector<Operation>& operations)
      : work_{.catalog = catalog, .draft = draft, .now = static_cast<double>(unix_millis()) / 1000},
        operations_(operations),
        effects_(operations.size()) {}

  std::vector<Failure> carry_out() {
    for (const std::size_t position : order()) {
      const Operation& operation = operations_[position];
      if (operation.verb == Verb::Remove) {
        remove(operation, position);
      } else {
        write(operation, position);
      }
    }
    check_rows(work_);
    check_removals(work_);
    return in_order(std::move(work_.failures));
  }
  std::vector<Effect> take_effects() { return std::move(effects_); }

 private:
  /// By operation, and for one in the order in which they were found.
  static std::vector<Failure> in_order(std::vector<Failure> found) {
    std::multimap<std::size_t, Failure> sorted;
    for (Failure& failure : found) sorted.emplace(failure.operation, std::move(failure));
    std::vector<Failure> failures;
    for (auto& [operation, failure] : sorted) failures.push_back(std::move(failure));
    return failures;
  }

  /// Removals first, then as references demand.
  [[nodiscard]] std::vector<std::size_t> order() const {
    std::vector<std::size_t> positions(operations_.size());
    std::iota(positions.begin(), positions.end(), std::size_t{0});
    if (positions.size() == 1) return positions;
    const auto& types = work_.catalog.types();
    const auto rank = [&](std::size_t position) -> std::pair<std::ptrdiff_t, std::size_t> {
      const Operation& operation = operations_[position];
      if (operation.verb == Verb::Remove) return {-1, position};
      const auto at = std::ranges::find(types, operation.type, [](const auto& type) { return type.get(); });
      return {at - types.begin(), position};
    };
    std::ranges::sort(positions, {}, rank);
    return positions;
  }

  [[nodiscard]] const store::Space& space(const Operation& operation) const { return work_.space(operation.workspace); }
  [[nodiscard]] const store::Table& table(const Operation& operation) const {
    return space(operation).table(operation.type->name());
  }

  /// The row that the operation's key means.
  [[nodiscard]] Uuid named(const Operation& operation) const {
    if (operation.link != nullptr) {
      return select_child(table(operation), operation.link->name, operation.parent, operation.key);
    }
    return select(space(operation), table(operation), operation.key);
  }

  /// The row with that id; null when there is none, also when it has expired.
  [[nodiscard]] const sync::Document* row_of(const Operation& operation, const Uuid& id) const {
    const bool gone = id.is_nil() || table(operation).has_expired(id, static_cast<std::int64_t>(work_.now));
    return gone ? nullptr : table(operation).find(id);
  }

  void fail(std::size_t position, Kind kind, Json key = {}) {
    work_.fail(
        {.kind = kind, .operation = position, .type = operations_[position].type->name(), .key = std::move(key)});
  }

  /// Whether the row is still what the client has seen.
  bool as_seen(const Operation& operation, std::size_t position, const Uuid& id) {
    const sync::Document* document = row_of(operation, id);
    bool seen = !operation.only_if_new || document == nullptr;
    if (!operation.if_match.empty()) {
      seen = seen && document != nullptr && names_etag(operation.if_match, etag_of(**document));
    }
    if (!seen) fail(position, Kind::Precondition);
    return seen;
  }

  void remove(const Operation& operation, std::size_t position) {
    const Uuid id = named(operation);
    if (!as_seen(operation, position, id) || id.is_nil()) return;
    effects_[position].id = id;
    remove_row(work_, *operation.type, operation.workspace, id, position);
  }

  void write(const Operation& operation, std::size_t position) {
    Json document = operation.document;
    Json names = take_names(*operation.type, document.as_object());
    if (operation.link != nullptr) {
      document.as_object().set(operation.link->name, Json::Object{{"id", operation.parent.to_string()}});
    }
    if (!resolve_references(work_, operation, position, document.as_object())) return;
    if (!resolve_links(work_, operation, position, document)) return;
    const auto id = operation.verb == Verb::Patch ? patch(operation, position, std::move(document))
                                                  : put(operation, position, std::move(document), names);
    if (!id.is_nil() && !names.is_null()) put_names(work_, operation, position, id, names);
  }

  // A whole entity
  // -----------------------------------------------------------------------------------------------------------------

  /// Which row a whole entity becomes.
  struct Slot {
    Uuid id;  // nil: a new one
    bool known = true;
  };

  Slot slot_of_put(const Operation& operation, Json::Object& document, Json& names) const {
    const EntityBase& type = *operation.type;
    if (Uuid::parse(operation.key)) {
      document.set("id", operation.key);
      return {*Uuid::parse(operation.key), type.name() != entity::Target::kName || !named(operation).is_nil()};
    }
    const Uuid found = named(operation);
    if (type.name() == entity::Certificate::kName) {
      if (found.is_nil() && names.is_null()) names = Json::array();
      if (found.is_nil() && names.is_array()) names.as_array().emplace_back(operation.key);  // else put_names() objects
      return {found};
    }
    std::string column = type.endpoint_key();
    if (column.empty() && operation.link != nullptr && type.cache_key().size() == 2) column = type.cache_key().back();
    if (column.empty() || type.name() == entity::Target::kName) return {found, !found.is_nil()};
    document.set(column, operation.key);
    return {found};
  }

  Slot slot_of_replace(const Operation& operation, const Json::Object& document) const {
    const EntityBase& type = *operation.type;
    if (const std::string* id = text(document, "id")) return {Uuid::parse(*id).value_or(Uuid{})};
    const std::string& key = type.endpoint_key();
    const std::string* name = key.empty() || !type.find_field(key)->unique ? nullptr : text(document, key);
    return {name == nullptr ? Uuid{} : table(operation).find_unique(key, *name)};
  }

  Uuid put(const Operation& operation, std::size_t position, Json document, Json& names) {
    Json::Object& members = document.as_object();
    Slot slot;
    if (operation.verb == Verb::Put) slot = slot_of_put(operation, members, names);
    if (operation.verb == Verb::Replace) slot = slot_of_replace(operation, members);
    if (!slot.known) return fail(position, Kind::NotFound), Uuid{};
    if (!as_seen(operation, position, slot.id)) return {};
    if (slot.id.is_nil() && !operation.id_if_new.is_nil()) members.set("id", operation.id_if_new.to_string());
    if (!slot.id.is_nil()) keep(operation, slot.id, members);

    schema::Violations violations;
    entity::process_entity(work_.catalog, *operation.type, document,
                           {.now = work_.now, .transform = operation.transform}, partial_finder(space(operation)),
                           violations);
    if (!violations.empty()) return work_.fail(position, *operation.type, std::move(violations)), Uuid{};
    if (operation.verb == Verb::Replace && slot.id.is_nil() && operation.id_if_new.is_nil()) adopt(operation, document);
    count_from_now(operation, document);
    if (operation.verb == Verb::Put && slot.id.is_nil() && taken(operation, position, document)) {
      return fail(position, Kind::PrimaryKey, Json::Object{{"id", *document.find("id")}}), Uuid{};
    }
    return store(operation, position, document);
  }

  /// Whether the id of a new entity is another one's.
  [[nodiscard]] bool taken(const Operation& operation, std::size_t position, const Json& document) {
    const auto id = Uuid::parse(document.find("id")->as_string());
    return id && holder_of(operation, position, *id) != nullptr;
  }

  /// A replaced row keeps its id and the time when it was made, unless another time is given.
  void keep(const Operation& operation, const Uuid& id, Json::Object& document) const {
    document.set("id", id.to_string());
    const sync::Document* before = row_of(operation, id);
    if (before == nullptr) return;
    const auto old = parse_json(**before);
    const Json* made = old ? old->find("created_at") : nullptr;
    if (made == nullptr) return;
    const Json* given = document.find("created_at");
    if (given == nullptr || given->is_null()) document.set("created_at", *made);
  }

  /// Rows expire `ttl` seconds after they were made; who writes one means seconds from now. Of a canonical document.
  void count_from_now(const Operation& operation, Json& document) const {
    Json* ttl = operation.type->has_ttl() ? document.find("ttl") : nullptr;
    const Json* made = document.find("created_at");
    if (ttl == nullptr || !ttl->is_int() || ttl->as_int() <= 0 || made == nullptr || !made->is_number()) return;
    *ttl = std::max<std::int64_t>(1, ttl->as_int() + static_cast<std::int64_t>(work_.now - made->number()));
  }

  /// A stored `ttl` counts from when the row was made, and may be more than a client may ask for: it is not judged
  /// again with each change of something else.
  static Json take_stored_ttl(const Operation& operation, const Json& changes, Json::Object& merged) {
    Json* ttl = operation.type->has_ttl() && changes.find("ttl") == nullptr ? merged.find("ttl") : nullptr;
    return ttl != nullptr ? std::exchange(*ttl, Json()) : Json();
  }

  /// The space of the row with that id; one that has expired is as good as gone.
  [[nodiscard]] const store::Space* holder_of(const Operation& operation, std::size_t position, const Uuid& id) {
    const std::string& type = operation.type->name();
    const store::Space* holder = work_.draft.store().space_of(type, id);
    const auto now = static_cast<std::int64_t>(work_.now);
    if (holder == nullptr || !holder->table(type).has_expired(id, now)) return holder;
    remove_row(work_, *operation.type, holder->id(), id, position);
    return nullptr;
  }

  /// An entity without id and name is the one with its cache key, if that exists.
  void adopt(const Operation& operation, Json& document) const {
    const Uuid same = table(operation).find_same_key(to_json(document));
    if (row_of(operation, same) == nullptr) return;
    document.as_object().set("created_at", nullptr);
    keep(operation, same, document.as_object());
  }

  /// Leaves a row alone that is to be replaced by what it says already: a state that is sent again changes nothing.
  bool leave(const Operation& operation, std::size_t position, const Uuid& id, std::string_view text,
             const store::Space* holder) {
    if (operation.verb != Verb::Replace || holder == nullptr) return false;
    const sync::Document& before = *holder->table(operation.type->name()).find(id);
    if (!says_the_same(*before, text)) return false;
    left_.insert({operation.type->name(), id});
    effects_[position] = {id, before};
    return true;
  }

  /// Puts a canonical document into the draft.
  Uuid store(const Operation& operation, std::size_t position, const Json& document) {
    const EntityBase& type = *operation.type;
    const Uuid id = *Uuid::parse(document.find("id")->as_string());
    const store::Space* holder = holder_of(operation, position, id);
    const bool said = work_.written.contains({type.name(), id}) || left_.contains({type.name(), id});
    const bool twice = said && operation.verb == Verb::Replace;
    const bool foreign = holder != nullptr && type.workspaceable() && holder->id() != operation.workspace;
    if (twice || foreign || (holder != nullptr && operation.verb == Verb::Create)) {
      return fail(position, Kind::PrimaryKey, Json::Object{{"id", id.to_string()}}), Uuid{};
    }
    std::string text = to_json(document);
    if (leave(operation, position, id, text, holder)) return id;
    effects_[position] = {id, std::make_shared<const std::string>(std::move(text)), holder == nullptr};
    work_.write(type, id, operation.workspace, effects_[position].document, position);
    return id;
  }

  // A part of one
  // -----------------------------------------------------------------------------------------------------------------

  Uuid patch(const Operation& operation, std::size_t position, Json changes) {
    const Uuid id = named(operation);
    if (id.is_nil()) return fail(position, Kind::NotFound), Uuid{};
    if (!as_seen(operation, position, id)) return {};
    const auto current = parse_json(**table(operation).find(id));
    if (!current) return fail(position, Kind::NotFound), Uuid{};
    Json merged = operation.type->merge_patch(*current, changes);
    merged.as_object().set("id", id.to_string());
    const Json kept_ttl = take_stored_ttl(operation, changes, merged.as_object());
    schema::Violations violations;
    entity::process_entity(
        work_.catalog, *operation.type, merged,
        {.mode = schema::Mode::Update, .now = work_.now, .current = &*current, .transform = operation.transform},
        partial_finder(space(operation)), violations);
    if (!violations.empty()) return work_.fail(position, *operation.type, std::move(violations)), Uuid{};
    if (const Json* ttl = changes.find("ttl"); ttl != nullptr && !ttl->is_null()) count_from_now(operation, merged);
    if (!kept_ttl.is_null()) merged.as_object().set("ttl", kept_ttl);
    return store(operation, position, merged);
  }

  Work work_;
  std::set<std::pair<std::string_view, Uuid>> left_;  // rows that are what they were to become
  const std::vector<Operation>& operations_;
  std::vector<Effect> effects_;
};

class Transaction final : public Change {
 public:
  Transaction(const entity::Catalog& catalog, std::vector<Operation> operations, std::string if_match)
      : catalog_(catalog), operations_(std::move(operations)), if_match_(std::move(if_match)) {}

  std::expected<void, Refusal> prepare(Draft& draft) override {
    const Uuid workspace = operations_.empty() ? Uuid{} : operations_.front().workspace;
    if (!if_match_.empty() && !names_etag(if_match_, etag_of(draft.version_of(workspace)))) {
      return std::unexpected(Refusal{.failures = {{.kind = Kind::Precondition}}});
    }
    Run run(catalog_, draft, operations_);
    auto failures = run.carry_out();
    effects_ = run.take_effects();
    if (!failures.empty()) return std::unexpected(Refusal{.failures = std::move(failures)});
    return {};
  }

  [[nodiscard]] Refusal locate(const std::vector<sync::ConfigProblem>& problems) const override {
    Refusal refusal;
    for (const auto& problem : problems) {
      const auto at = std::ranges::find(effects_, problem.id, &Effect::id);
      schema::Violations violations;
      violations.add({field_path({}, problem.field), problem.message, problem.field.empty()});
      refusal.failures.push_back(
          {.operation = at != effects_.end() ? static_cast<std::size_t>(at - effects_.begin()) : operations_.size(),
           .violations = std::move(violations),
           .type = problem.type});
    }
    return refusal;
  }

  [[nodiscard]] std::vector<Effect> effects() const override { return effects_; }

 private:
  const entity::Catalog& catalog_;
  const std::vector<Operation> operations_;
  const std::string if_match_;
  std::vector<Effect> effects_;
};

}  // namespace

std::unique_ptr<Change> transaction(const entity::Catalog& catalog, std::vector<Operation> operations,
                                    std::string if_match) {
  return std::make_unique<Transaction>(catalog, std::move(operations), std::move(if_match));
}

}  // namespace sluice::control::publish
