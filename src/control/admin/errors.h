// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "control/admin/message.h"

// Kong's error bodies beside those of schema/ and entity/. reference/gateway.md, 2.3.
namespace sluice::control::admin {

/// Codes that clients switch on.
enum class Code : int {
  PrimaryKeyViolation = 3,
  ForeignKeyViolation = 4,
  UniqueViolation = 5,
  InvalidOffset = 7,
  InvalidSize = 9,
  InvalidOptions = 11,
  OperationUnsupported = 12,
  ForeignKeysUnresolved = 13,
  ReferencedByOthers = 19,
};

/// `{"code":..,"name":..,"message":..}` with the status that belongs to the code.
Reply error(Code code, std::string message);
/// The same with `fields`.
Reply error(Code code, std::string message, Json fields);
/// An option of a list that cannot be used: code 11, with `options` saying which.
Reply invalid_option(std::string_view option, std::string_view why);
/// A write without a database; `verb` is "create", "update", "create or update" or "remove".
Reply write_refused(std::string_view verb, std::string_view type);
/// A write that is bound to what is no longer so, by If-Match or If-None-Match.
Reply precondition_failed();

}  // namespace sluice::control::admin
