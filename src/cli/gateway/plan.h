// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/gateway/state.h"

namespace sluice::cli {

enum class Action : std::uint8_t { Create, Update, Delete };

struct Change {
  Action action = Action::Create;
  const schema::EntityBase* type = nullptr;
  Uuid id;
  std::string kind;  // "service", "key-auth", "acl-group"
  std::string name;  // "rate-limiting for service x"
  Json before;       // null for what is created
  Json after;        // null for what is deleted
};

enum class Deletions : std::uint8_t { Carry, Leave };

/// What turns one configuration into another: deletions first, what refers before what is referred to; then the rest in
/// the opposite order.
struct Plan {
  std::vector<Change> changes;
  bool transform = true;  // false: credentials are given as the store keeps them

  [[nodiscard]] bool empty() const { return changes.empty(); }
  [[nodiscard]] std::size_t count(Action action) const;
};

Plan make_plan(const State& current, const State& wanted, Deletions deletions);

/// The body of `POST /batch`. What is to be deleted and has no id is left out.
std::string batch_body(const Plan& plan);

/// How a type is called in diffs: "service", "jwt-auth".
std::string kind_of(const schema::EntityBase& type);

}  // namespace sluice::cli
