// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// A member of a canonical document: its name and the text of its value. Views of the document.
struct RawMember {
  std::string_view name;
  std::string_view value;
};

/// Walks over the members of what to_json() writes for an object, without parsing them. `at` begins as 1 and is moved
/// on; nothing when there are no more.
std::optional<RawMember> next_member(std::string_view document, std::size_t& at);

/// The text of one member's value in a canonical document, found without parsing the rest: building an index over a
/// hundred thousand documents must not cost a parse of each. `document` is what to_json() writes for an object. Empty
/// when there is no such member. A view of `document`.
std::string_view raw_member(std::string_view document, std::string_view name);

/// A canonical document without the values of these members, to compare what is left.
std::string without_values(std::string_view document, std::initializer_list<std::string_view> names);

/// The texts that a member's value stands for when it is looked up: a string is itself, a reference (`{"id":..}`) its
/// id, a list its strings and references. None for null and everything else.
std::vector<std::string> member_texts(std::string_view document, std::string_view name);

}  // namespace sluice::store
