// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace sluice::cli::openapi {

/// Follows `$ref` within one document. Borrows it.
class ReferencesView {
 public:
  explicit ReferencesView(const Json& document) : document_(document) {}

  /// What stands at `#/components/...`. Other documents are not read.
  [[nodiscard]] Result<const Json*> at(const std::string& reference) const;
  /// The value itself, or what its `$ref` leads to, over several steps.
  [[nodiscard]] Result<const Json*> follow(const Json& value) const;

  /// A schema that stands alone, in the draft 4 dialect of validators: what it refers to is gathered in `definitions`,
  /// `nullable` becomes a type. Errc::Conflict when schemas refer to themselves.
  [[nodiscard]] Result<Json> standalone(const Json& schema) const;

 private:
  struct Gathering;
  Result<Json> copy(const Json& value, Gathering& gathering) const;

  const Json& document_;
};

}  // namespace sluice::cli::openapi
