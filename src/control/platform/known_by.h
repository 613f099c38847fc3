// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

// By what people know an entity: its name and what else they look for. Never by a secret.
namespace sluice::control::platform {

/// What it is called: `name`, or what its type has in place of it; empty: nothing.
[[nodiscard]] std::string name_of(const Json& document);
/// The same for a canonical document.
[[nodiscard]] std::string name_of(std::string_view document);

/// Where a word was found in a document.
struct Match {
  std::string_view field;  // view of the document
  std::string text;
};

/// A word that somebody looks for, whatever the case of its ASCII letters. A hundred thousand documents are looked
/// through in tens of milliseconds: most are told by their octets alone, and none is parsed.
class Word {
 public:
  explicit Word(std::string_view text);

  /// Where it stands in a member by which people know an entity; with `field`, in that one. Of a canonical document.
  [[nodiscard]] std::optional<Match> find_in(std::string_view document, std::string_view field = {}) const;
  /// Whether a text that is no JSON has it.
  [[nodiscard]] bool is_in(std::string_view text) const;

 private:
  std::string lower_;    // as it was given
  std::string escaped_;  // as it stands in JSON
};

/// The members that are looked through.
[[nodiscard]] const std::vector<std::string_view>& known_fields();

}  // namespace sluice::control::platform
