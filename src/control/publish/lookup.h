// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/uuid.h"
#include "entity/partial_link.h"
#include "store/memory_store.h"

// Which row a name in a URL or in a reference means.
namespace sluice::control::publish {

/// By id, by endpoint key, a certificate by one of its names. Nil when there is none.
Uuid select(const store::Space& space, const store::Table& table, std::string_view key);
/// The same below a parent, to which the field `link` refers: there a key need not be unique.
Uuid select_child(const store::Table& table, std::string_view link, const Uuid& parent, std::string_view key);

/// The rows of `table` that refer to `parent`.
store::Ids children(const store::Table& table, std::string_view link, const Uuid& parent);
/// What the field `link` of a canonical document refers to; nil for nothing.
Uuid referred(std::string_view document, std::string_view link);

/// Finds the partials of a space, which outlives the function.
entity::FindPartial partial_finder(const store::Space& space);
/// Turns the links of a plugin that name partials into such by id, where there are partials of these names. Documents
/// of other types stay as they are.
void resolve_link_names(const store::Space& space, const schema::EntityBase& type, Json& document);
/// The plugins that take values of a partial.
store::Ids plugins_linked_to(const store::Space& space, const Uuid& partial);

}  // namespace sluice::control::publish
