// SPDX-License-Identifier: Apache-2.0
#include "entity/vault.h"

#include <algorithm>
#include <memory>

#include "base/strings.h"

namespace sluice::entity {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool is_prefix(std::string_view text) {
  const auto inside = [](char c) { return is_lower(c) || is_ascii_digit(c) || c == '-'; };
  return text.size() >= 2 && is_lower(text.front()) && text.back() != '-' && std::ranges::all_of(text, inside);
}

bool is_variable_prefix(std::string_view text) {
  const auto inside = [](char c) { return is_ascii_alpha(c) || is_ascii_digit(c) || c == '_'; };
  return !text.empty() && !is_ascii_digit(text.front()) && std::ranges::all_of(text, inside);
}

/// Backends come by name; so far there is one.
schema::CaseSelector by_backend(const schema::RecordBase& general) {
  auto env = std::make_shared<schema::RecordBase>();
  schema::Field config = *general.find_field("config");
  config.type = schema::Type::Record;
  config.required = true;
  config.abstract = false;
  config.record = std::make_shared<const schema::RecordBase>(schema::describe<EnvVault>());
  env->add_field(std::move(config));
  return [env](const Json::Object& input, schema::Violations& violations) -> const schema::RecordBase* {
    const schema::PathView root;
    const Json* name = input.find("name");
    if (name == nullptr || !name->is_string()) {
      violations.add(root.member("name"),
                     name == nullptr || name->is_null() ? "required field missing" : "expected a string");
      return nullptr;
    }
    if (name->as_string() == "env") return env.get();
    violations.add(root.member("name"), "vault '" + name->as_string() + "' is not installed");
    return nullptr;
  };
}

}  // namespace

void EnvVault::describe(schema::Record<EnvVault>& r) {
  r.doc("Secrets in variables of the process.");
  r.field<&EnvVault::prefix>("prefix", "Put before the name of every variable.")
      .optional()
      .rule(schema::match(is_variable_prefix, "^[%a_][%a%d_]*$"));
}

void Vault::describe(schema::Entity<Vault>& e) {
  e.doc("Where secret references lead: a backend with its settings.");
  e.identity<&Vault::id, &Vault::prefix>("prefix", "What references call it.")
      .required()
      .unique_across_ws()
      .rule(schema::match(is_prefix, "^[a-z][a-z%d-]-[a-z%d]+$"))
      .rule(schema::not_one_of({"env"}));
  e.created_at<&Vault::created_at>();
  e.updated_at<&Vault::updated_at>();
  e.field<&Vault::name>("name", "The backend.").required();
  e.field<&Vault::description>("description", "What it is for.").optional();
  e.field<&Vault::config>("config", "The backend's settings.").abstract();
  e.tags<&Vault::tags>();
  e.cases(by_backend(e));
}

}  // namespace sluice::entity
