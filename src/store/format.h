// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/sql/connection.h"

namespace sluice::store {

/// What a database says of itself, in the table store_info.
inline constexpr std::string_view kInfoFormat = "format";             // number of the last step in format.cc it had
inline constexpr std::string_view kInfoNeeds = "needs_format";        // programs that know less must leave it alone
inline constexpr std::string_view kInfoKind = "kind";                 // "store" or "backup"
inline constexpr std::string_view kInfoKeyring = "keyring";           // fingerprint of the keyring it belongs to
inline constexpr std::string_view kInfoKeyringText = "keyring_text";  // of a backup with key

/// Makes our tables if there are none, and brings older ones up to date; newer ones are left alone if they say that
/// this program may use them. All or nothing, but for indexes: those of a database that is in use are made before, in
/// a way that others can go on writing (PostgreSQL) or reading (SQLite), and whoever was interrupted at it goes on
/// where it was. `kind` is what a new database becomes and an old one must be.
Result<> upgrade_format(sql::Connection& db, std::string_view name, std::string_view kind);
/// Whether this program can read it as it is.
Result<> check_format(sql::Connection& db, std::string_view name, std::string_view kind);

/// The number of the last step that it had.
Result<std::int64_t> read_format(sql::Connection& db);

Result<std::optional<std::string>> read_info(sql::Connection& db, std::string_view name);
Result<> write_info(sql::Connection& db, std::string_view name, std::string_view value);

}  // namespace sluice::store
