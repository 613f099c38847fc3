// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/admin/message.h"
#include "control/admin/page.h"
#include "store/memory_store.h"

// Rows of the store as the Admin API shows them.
namespace sluice::control::admin {

/// Appends one row as JSON: its document, with the old names of deprecated fields, the remaining `ttl` and the names
/// of a certificate.
void append_row(std::string& out, const store::MemoryStore& store, const store::Table& table, const Uuid& id);
/// 200 with the row, or 404 for nil.
Reply row_reply(const store::MemoryStore& store, const store::Table& table, const Uuid& id);

/// The row that a URL means: by id, by endpoint key, a certificate by one of its names. Nil when there is none.
Uuid select(const store::MemoryStore& store, const store::Table& table, std::string_view key);
/// The same below a parent, to which the field `link` refers: there a key need not be unique.
Uuid select_child(const store::Table& table, std::string_view link, const Uuid& parent, std::string_view key);

/// One page of a table, or of those of its rows that are `among`. `path` is the list's; `repeated` see PageWriter.
Reply list_rows(const store::MemoryStore& store, const store::Table& table, std::optional<store::Ids> among,
                const Query& query, std::string_view path, std::string_view repeated);

/// The rows of `table` that refer to `parent`.
store::Ids children(const store::Table& table, std::string_view link, const Uuid& parent);

}  // namespace sluice::control::admin
