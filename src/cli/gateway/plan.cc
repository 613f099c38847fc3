// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>
#include <utility>

#include "entity/all.h"

namespace sluice::cli {
namespace {

using schema::EntityBase;

/// Put where a file has them, never deleted: a file rarely does.
constexpr std::string_view kLicenses = "licenses";

/// Names of entities by id, for "plugin x for service y".
class Names {
 public:
  void add(const State& state) {
    for (const StateEntity& entity : state.entities) {
      for (const std::string_view field : {std::string_view(entity.type->endpoint_key()), std::string_view("username"),
                                           std::string_view("custom_id"), std::string_view("name")}) {
        const Json* value = field.empty() ? nullptr : entity.document.find(field);
        if (value == nullptr || !value->is_string()) continue;
        names_.emplace(entity.id, value->as_string());
        break;
      }
    }
  }

  [[nodiscard]] std::string of(const Json* reference) const {
    const Json* id = reference != nullptr ? reference->find("id") : nullptr;
    if (id == nullptr || !id->is_string()) return {};
    const auto at = names_.find(Uuid::parse(id->as_string()).value_or(Uuid{}));
    return at != names_.end() ? at->second : id->as_string();
  }

 private:
  std::unordered_map<Uuid, std::string> names_;
};

std::string text_of(const Json& document, std::string_view member) {
  const Json* value = document.find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

/// What tells the entity apart, without secrets.
std::string own_name(const EntityBase& type, const Json& document) {
  if (type.name() == entity::KeyauthCredential::kName) return {};  // its key is the secret
  for (const char* member :
       {"name", "username", "custom_id", "target", "group", "prefix", "kid", "cert_digest", "key"}) {
    const schema::Field* field = type.find_field(member);
    if (field == nullptr || field->secret || field->encrypted) continue;
    if (std::string text = text_of(document, member); !text.empty()) return text;
  }
  return {};
}

std::string scope_of(const EntityBase& type, const Json& document, const Names& names) {
  std::string scope;
  for (const schema::Field* field : type.foreign_fields()) {
    const std::string name = names.of(document.find(field->name));
    if (name.empty()) continue;
    std::string word = field->name;
    std::ranges::replace(word, '_', '-');
    scope += " " + word + " " + name;
  }
  return scope;
}

/// Services and routes are known by name alone; credentials, plugins and targets by what they belong to.
std::string name_of(const EntityBase& type, const Json& document, const Names& names) {
  std::string name = own_name(type, document);
  const bool stands_alone = type.name() != entity::Plugin::kName &&
                            std::ranges::none_of(type.foreign_fields(), [](const schema::Field* field) {
                              return field->on_delete == schema::OnDelete::Cascade && field->required;
                            });
  if (stands_alone) return !name.empty() ? name : text_of(document, "id");
  const std::string scope = scope_of(type, document, names);
  if (scope.empty()) return name + " (global)";
  return name.empty() ? "for" + scope : name + " for" + scope;
}

}  // namespace

std::string kind_of(const EntityBase& type) {
  static const std::map<std::string_view, std::string_view> kKinds = {
      {"keyauth_credentials", "key-auth"},
      {"basicauth_credentials", "basic-auth"},
      {"hmacauth_credentials", "hmac-auth"},
      {"jwt_secrets", "jwt-auth"},
      {"oauth2_credentials", "oauth2-cred"},
      {"mtls_auth_credentials", "mtls-auth"},
      {"acls", "acl-group"},
      {"consumer_groups", "consumer-group"},
      {"consumer_group_consumers", "consumer-group-consumer"},
      {"key_sets", "key-set"},
      {"filter_chains", "filter-chain"},
  };
  const auto at = kKinds.find(type.name());
  return at != kKinds.end() ? std::string(at->second) : type.singular();
}

std::size_t Plan::count(Action action) const {
  return static_cast<std::size_t>(std::ranges::count(changes, action, &Change::action));
}

Plan make_plan(const State& current, const State& wanted, Deletions deletions) {
  const StateIndexView index(current);
  Names names;
  names.add(wanted);
  names.add(current);
  Plan plan;
  std::unordered_set<const StateEntity*> kept;
  std::vector<Change> puts;
  for (const StateEntity& entity : wanted.entities) {
    const StateEntity* before = index.by_id(*entity.type, entity.id);
    if (before == nullptr) {
      const StateEntity* same = index.by_keys(*entity.type, entity.document);
      if (same != nullptr && same->id.is_nil()) before = same;  // a membership: its key is all there is
    }
    if (before != nullptr) kept.insert(before);
    if (before != nullptr && before->comparable == entity.comparable) continue;
    Change change{Action::Create, entity.type, entity.id, kind_of(*entity.type), {}, {}, entity.document};
    change.name = name_of(*entity.type, entity.document, names);
    if (before != nullptr) change.action = Action::Update;
    if (before != nullptr) change.before = before->document;
    puts.push_back(std::move(change));
  }
  for (auto at = current.entities.rbegin(); deletions == Deletions::Carry && at != current.entities.rend(); ++at) {
    if (kept.contains(&*at) || at->type->name() == kLicenses) continue;
    plan.changes.push_back({Action::Delete, at->type, at->id, kind_of(*at->type),
                            name_of(*at->type, at->document, names), at->document, nullptr});
  }
  std::ranges::move(puts, std::back_inserter(plan.changes));
  return plan;
}

std::string batch_body(const Plan& plan) {
  std::map<std::string, std::string> upserts;
  std::map<std::string, std::string> deletions;
  for (const Change& change : plan.changes) {
    auto& lists = change.action == Action::Delete ? deletions : upserts;
    if (change.action == Action::Delete && change.id.is_nil()) continue;
    std::string& list = lists[change.type->name()];
    if (!list.empty()) list += ',';
    if (change.action == Action::Delete) {
      append_json_string(list, change.id.to_string());
      continue;
    }
    Json document = change.after;
    document.as_object().erase("created_at");
    document.as_object().erase("updated_at");
    append_json(list, document);
  }
  const auto append = [](std::string& out, std::string_view action, const auto& lists) {
    if (lists.empty()) return;
    if (out.size() > 1) out += ',';
    append_json_string(out, action);
    out += ":{";
    for (const auto& [type, list] : lists) {
      if (!out.ends_with('{')) out += ',';
      append_json_string(out, type);
      out.append(":[").append(list).append("]");
    }
    out += '}';
  };
  std::string body = "{";
  // Said only where it matters, so that a server that does not know it refuses rather than hashes a hash.
  const bool hashed = upserts.contains(std::string(entity::BasicauthCredential::kName));
  if (!plan.transform && hashed) body += "\"_transform\":false";
  append(body, "upsert", upserts);
  append(body, "delete", deletions);
  return body + "}";
}

}  // namespace sluice::cli
