// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth_kit.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "http/headers.h"

namespace sluice::plugins {

using gateway::Consumer;
using gateway::Credential;
using gateway::Exchange;
using gateway::Next;
using gateway::Reply;
using gateway::Verdict;

namespace {

constexpr std::string_view kIdentityFields[] = {
    "x-consumer-id",          "x-consumer-username",    "x-consumer-custom-id",
    "x-consumer-groups",      "x-anonymous-consumer",   "x-authenticated-scope",
    "x-authenticated-userid", "x-authenticated-groups", "x-credential-identifier",
};

char folded(char c) {
  return c == '_' ? '-' : ascii_lower(c);
}

/// Without regard to case, and an underscore for a hyphen; `field` is in lower case.
bool spells(std::string_view name, std::string_view field) {
  return std::ranges::equal(name, field, {}, folded);
}

bool claims_identity(std::string_view name) {
  // Most names of a request fail here.
  if (name.size() < 13 || folded(name[0]) != 'x' || folded(name[1]) != '-') return false;
  return std::ranges::any_of(kIdentityFields, [&](std::string_view field) { return spells(name, field); });
}

struct IdentityStripped {
  bool done = false;
};

}  // namespace

NamedConsumer::NamedConsumer(const std::optional<std::string>& name) : name_(name.value_or("")) {
  if (const auto id = Uuid::parse(name_)) id_ = *id;
}

const Consumer* NamedConsumer::find(const gateway::Directory& directory) const {
  const Consumer* consumer = id_ ? directory.consumer(*id_) : nullptr;
  return consumer != nullptr ? consumer : directory.consumer_by_username(name_);
}

Verdict Anonymous::take_over_or(Exchange& ex, Reply refusal) const {
  if (!configured()) return refusal;
  const Consumer* consumer = consumer_.find(*ex.directory);
  if (consumer == nullptr)
    return Reply{500, "anonymous consumer " + consumer_.name() + " is configured but doesn't exist"};
  ex.authenticate(*consumer, nullptr, {});
  return Next{};
}

Verdict authenticate_owner(Exchange& ex, const Credential& credential, std::string_view identifier) {
  const Consumer* consumer = ex.directory->consumer(credential.consumer_id);
  if (consumer == nullptr) {
    return Error{Errc::NotFound, Blame::Config, Retry::Never,
                 "credential " + credential.id_text + " belongs to a consumer that does not exist"};
  }
  ex.authenticate(*consumer, &credential, identifier);
  return Next{};
}

const Credential* find_unexpired(const Exchange& ex, std::string_view collection, std::string_view identity) {
  const Credential* credential = ex.directory->credential(collection, identity);
  if (credential == nullptr) return nullptr;
  const bool expired = credential->expires_at_s && *credential->expires_at_s <= ex.clock().wall_s();
  return expired ? nullptr : credential;
}

void strip_claimed_identity(Exchange& ex) {
  if (std::exchange(ex.slot<IdentityStripped>().done, true)) return;
  ex.request.headers.remove_if([](const http::Field& field) { return claims_identity(field.name); });
}

void strip_group_claims(Exchange& ex) {
  ex.request.headers.remove_if([](const http::Field& field) { return spells(field.name, "x-consumer-groups"); });
}

std::string challenge(std::string_view scheme, const std::optional<std::string>& realm) {
  std::string text(scheme);
  if (realm && !realm->empty()) text.append(" realm=\"").append(*realm).append("\"");
  return text;
}

}  // namespace sluice::plugins
