// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/publish/change.h"
#include "store/history.h"
#include "store/version.h"

// The way back to an older version: a transaction like any other, whose operations come from the log.
namespace sluice::control::publish {

/// What makes of each row what it is `after`; for transaction(). Rows of types that are no longer known are left out;
/// what has expired since stays away. `catalog` outlives it.
std::vector<Operation> operations_of(const entity::Catalog& catalog, const std::vector<store::RowDifference>& rows);

/// What the history says of one.
[[nodiscard]] std::string restored_from(const store::Version& version);
/// The version that such a note names; empty: it is another one.
[[nodiscard]] std::string_view version_restored(std::string_view note);

/// A change that was made up from what version `seen` shows: refused with Failure::Kind::Precondition as soon as
/// anything else is there.
std::unique_ptr<Change> only_after(const store::Version& seen, std::unique_ptr<Change> change, std::string note);

}  // namespace sluice::control::publish
