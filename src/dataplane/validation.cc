// SPDX-License-Identifier: Apache-2.0
#include "dataplane/validation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>

#include "base/strings.h"
#include "entity/declarative.h"

namespace sluice::dataplane {
namespace {

using schema::EntityBase;

/// Above so many removals, reading every reference once costs less than looking for each id in every text.
constexpr std::size_t kFewRemovals = 8;

/// Of entities that are wrong; the rest is counted. No more go over the link.
constexpr std::size_t kMostShown = 50;

/// 32 characters that name it to the outside: the version where there is no hash, as Kong shows it.
std::string shown_hash(const Standing& standing) {
  if (standing.hash.size() == 32) return standing.hash;
  return standing.version.size() == 32 ? standing.version : std::string(32, '0');
}

/// Collects what is wrong, entity by entity.
class Problems {
 public:
  explicit Problems(const entity::Catalog& catalog) : catalog_(catalog) {}

  void add(const std::string& type, const Json& entity, schema::Violations violations) {
    if (++count_ > kMostShown) return;
    if (message_.empty()) {
      const Json* id = entity.find("id");
      message_ = type + " " + (id != nullptr && id->is_string() ? id->as_string() : std::string("without an id")) +
                 ": " + std::string(trim(violations.text()));
    }
    const EntityBase* described = catalog_.find(type);
    list_.entities.push_back({described != nullptr ? described->singular() : type, entity, std::move(violations)});
  }
  void add(const std::string& type, const Json& entity, std::string_view field, std::string message) {
    schema::Violation violation;
    for (std::string_view part : split(field, '.')) {
      if (!part.empty()) violation.path.push_back({std::string(part), 0, false});
    }
    violation.entity = field.empty();
    violation.message = std::move(message);
    schema::Violations violations;
    violations.add(std::move(violation));
    add(type, entity, std::move(violations));
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }

  [[nodiscard]] Refusal refusal() const {
    Refusal refusal;
    refusal.message = message_;
    if (count_ > 1) refusal.message += " (and " + std::to_string(count_ - 1) + " more)";
    Json body = list_.flattened_body();
    if (Json* errors = body.find("flattened_errors")) refusal.errors = std::move(*errors);
    return refusal;
  }

 private:
  const entity::Catalog& catalog_;
  entity::DeclarativeErrors list_;
  std::string message_;
  std::size_t count_ = 0;
};

/// One change under judgement.
class Judge {
 public:
  Judge(const entity::Catalog& catalog, const State& current, Incoming incoming)
      : catalog_(catalog), current_(current.rows), incoming_(std::move(incoming)), problems_(catalog) {
    candidate_.next.rows = current.rows;
    candidate_.next.standing = incoming_.to;
    candidate_.step.to = incoming_.to;
    candidate_.served.hash = shown_hash(incoming_.to);
  }

  std::expected<Candidate, Refusal> run() {
    remove();
    for (sync::EntityRow& row : incoming_.delta.upserts) put(row);
    if (incoming_.strict && candidate_.next.rows.digest() != incoming_.to.hash) {
      return std::unexpected(Refusal{Refusal::Kind::WrongDigest,
                                     "digest " + candidate_.next.rows.digest() + " instead of " + incoming_.to.hash});
    }
    check_references();
    check_removals();
    if (!problems_.empty()) return std::unexpected(problems_.refusal());
    if (incoming_.delta.complete) candidate_.served = whole(candidate_.next);
    return std::move(candidate_);
  }

 private:
  /// What a whole configuration does not name is removed.
  void remove() {
    if (incoming_.delta.complete) {
      std::map<std::string_view, std::set<Uuid>> named;
      for (const auto& row : incoming_.delta.upserts) named[row.type].insert(row.id);
      for (const auto& [type, rows] : current_.types()) {
        const auto kept = named.find(type);
        for (const auto& entry : rows) {
          if (kept == named.end() || !kept->second.contains(entry.key)) remove_one({type, entry.key});
        }
      }
    }
    for (const sync::EntityKey& key : incoming_.delta.removals) remove_one(key);
  }

  void remove_one(const sync::EntityKey& key) {
    const HeldRow* before = current_.find(key.type, key.id);
    if (before == nullptr) return;  // gone already: a repeated delta
    if (before->served) candidate_.served.removals.push_back(key);
    candidate_.next.rows.erase(key.type, key.id);
    candidate_.step.removals.push_back(key);
  }

  void put(sync::EntityRow& row) {
    const HeldRow* before = candidate_.next.rows.find(row.type, row.id);
    if (before != nullptr && before->workspace == row.workspace && *before->received == *row.document) return;
    HeldRow held{row.document, nullptr, row.workspace};
    if (const EntityBase* type = catalog_.find(row.type)) {
      held.served = canonical(*type, row);
      held.received = row.document;
      // Another product's texts differ from ours in form, a newer release's in what we leave out: no change to serve.
      const bool same = before != nullptr && before->served && held.served && before->workspace == held.workspace &&
                        *before->served == *held.served;
      if (same && *before->received == *held.received) return;
      if (!same && held.served) candidate_.served.upserts.push_back({row.type, row.id, held.served, row.workspace});
    } else {
      ++candidate_.ignored_rows;
    }
    candidate_.next.rows.put(row.type, row.id, held);
    candidate_.step.puts.push_back({row.type, row.id, std::move(held)});
  }

  /// The document as this release serves it; null: it is reported what is wrong with it.
  sync::Document canonical(const EntityBase& type, sync::EntityRow& row) {
    auto given = parse_json(*row.document);
    if (!given || !given->is_object()) {
      problems_.add(row.type, Json::Object{{"id", row.id.to_string()}}, "",
                    given ? "expected a record" : given.error().what);
      return nullptr;
    }
    std::size_t ignored = 0;
    schema::ProcessOptions options{.transform = false, .ignore_unknown = true, .ignored = &ignored};
    // A time of change is somebody else's: it stays.
    if (const Json* changed = given->find("updated_at"); changed != nullptr && changed->is_number()) {
      options.now = changed->number();
    }
    auto document = type.process(*given, options);
    if (!document) {
      problems_.add(row.type, *given, std::move(document).error());
      return nullptr;
    }
    candidate_.ignored_fields += ignored;
    std::string text = to_json(*document);
    if (text == *row.document) return row.document;
    auto served = std::make_shared<const std::string>(std::move(text));
    // Only who checks digests, and who leaves something out, needs the text as it came.
    if (!incoming_.strict && ignored == 0) row.document = served;
    return served;
  }

  /// Everything that is written refers to what is there.
  void check_references() {
    for (const sync::EntityRow& row : candidate_.served.upserts) {
      const EntityBase* type = catalog_.find(row.type);
      if (type->foreign_fields().empty()) continue;
      const auto document = parse_json(*row.document);
      if (!document) continue;
      for (const schema::Field* field : type->foreign_fields()) {
        const auto target = reference(*document, *field);
        if (!target || candidate_.next.rows.contains(field->reference, *target)) continue;
        problems_.add(row.type, *document, field->name,
                      "refers to " + field->reference + " " + target->to_string() + ", which does not exist");
      }
    }
  }

  static std::optional<Uuid> reference(const Json& document, const schema::Field& field) {
    const Json* value = document.find(field.name);
    const Json* id = value != nullptr ? value->find("id") : nullptr;
    if (id == nullptr || !id->is_string()) return std::nullopt;
    auto parsed = Uuid::parse(id->as_string());
    return parsed ? std::optional(*parsed) : std::nullopt;
  }

  /// Nothing that is left refers to what is gone. What was written in the same change has been looked at.
  void check_removals() {
    std::map<std::string_view, std::unordered_set<Uuid>> gone;
    for (const sync::EntityKey& key : candidate_.step.removals) {
      if (!candidate_.next.rows.contains(key.type, key.id)) gone[key.type].insert(key.id);
    }
    if (gone.empty()) return;
    for (const auto& [name, rows] : candidate_.next.rows.types()) {
      const EntityBase* type = catalog_.find(name);
      if (type == nullptr) continue;
      for (const schema::Field* field : type->foreign_fields()) {
        const auto removed = gone.find(field->reference);
        if (removed != gone.end()) check_dependents(name, rows, *field, removed->second);
      }
    }
  }

  void check_dependents(const std::string& name, const RowTable::Rows& rows, const schema::Field& field,
                        const std::unordered_set<Uuid>& gone) {
    std::vector<std::string> texts;
    if (gone.size() <= kFewRemovals) {
      for (const Uuid& id : gone) texts.push_back(id.to_string());
    }
    for (const auto& entry : rows) {
      if (!entry.value.served) continue;
      const std::string& text = *entry.value.served;
      if (!texts.empty() &&
          std::ranges::none_of(texts, [&](const std::string& id) { return text.find(id) != std::string::npos; })) {
        continue;
      }
      const auto document = parse_json(text);
      if (!document) continue;
      const auto target = reference(*document, field);
      if (!target || !gone.contains(*target)) continue;
      problems_.add(name, *document, field.name,
                    "refers to " + field.reference + " " + target->to_string() + ", which is removed");
    }
  }

  const entity::Catalog& catalog_;
  const RowTable& current_;
  Incoming incoming_;
  Problems problems_;
  Candidate candidate_;
};

}  // namespace

std::expected<Candidate, Refusal> validate(const entity::Catalog& catalog, const State& current, Incoming incoming) {
  return Judge(catalog, current, std::move(incoming)).run();
}

std::expected<State, Refusal> revalidate(const entity::Catalog& catalog, const State& kept) {
  Incoming incoming;
  incoming.strict = true;  // so that the texts stay as they were received
  incoming.to.hash = kept.rows.digest();
  incoming.delta = received(kept.rows);
  auto candidate = validate(catalog, State{}, std::move(incoming));
  if (!candidate) return std::unexpected(std::move(candidate).error());
  return State{kept.standing, std::move(candidate->next.rows)};
}

sync::Delta whole(const State& state) {
  sync::Delta delta;
  delta.complete = true;
  delta.hash = shown_hash(state.standing);
  delta.upserts.reserve(state.rows.size());
  for (const auto& [type, rows] : state.rows.types()) {
    for (const auto& entry : rows) {
      if (entry.value.served) delta.upserts.push_back({type, entry.key, entry.value.served, entry.value.workspace});
    }
  }
  return delta;
}

sync::Delta received(const RowTable& table) {
  sync::Delta delta;
  delta.complete = true;
  delta.upserts.reserve(table.size());
  for (const auto& [type, rows] : table.types()) {
    for (const auto& entry : rows) {
      delta.upserts.push_back({type, entry.key, entry.value.received, entry.value.workspace});
    }
  }
  return delta;
}

Refusal refusal_of(const std::vector<sync::ConfigProblem>& found, const RowTable& rows,
                   const entity::Catalog& catalog) {
  Problems problems(catalog);
  for (const sync::ConfigProblem& problem : found) {
    const HeldRow* row = rows.find(problem.type, problem.id);
    auto entity = row != nullptr ? parse_json(*row->received) : Result<Json>(Json());
    if (!entity || !entity->is_object()) entity = Json::Object{{"id", problem.id.to_string()}};
    problems.add(problem.type, *entity, problem.field, problem.message);
  }
  if (problems.empty()) return {Refusal::Kind::Failed, "the gateway did not take it"};
  return problems.refusal();
}

}  // namespace sluice::dataplane
