// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/platform/known_by.h"
#include "entity/catalog.h"

namespace sluice::control::platform {

inline constexpr std::string_view kControlPlanes = "control_planes";

/// What somebody looks for: `type:routes name:"my route" /v1`. Words apart, all of which must be found; a quoted one
/// may have blanks in it; `field:word` is looked for in that member, `type:` says what kind of entity it is.
class SearchQuery {
 public:
  /// Or what is wrong with it.
  static std::expected<SearchQuery, std::string> parse(const entity::Catalog& catalog, std::string_view text);

  /// Whether entities of a type are looked for.
  [[nodiscard]] bool wants(std::string_view type) const { return type_.empty() || type_ == type; }
  /// What was found first; nothing when a word is missing. Of a canonical document.
  [[nodiscard]] std::optional<Match> find_in(std::string_view document) const;
  /// The only word there is, as it was given; empty: there are several, or it is looked for in one member.
  [[nodiscard]] const std::string& only_word() const { return only_word_; }

 private:
  struct Clause {
    std::string field;  // empty: any
    Word word;
  };

  std::string type_;
  std::vector<Clause> clauses_;
  std::string only_word_;
};

}  // namespace sluice::control::platform
