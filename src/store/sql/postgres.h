// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "store/durable.h"
#include "store/sql/connection.h"

namespace sluice::store::sql {

/// Our tables are in the options' schema; no other one is ever looked at.
std::unique_ptr<Database> postgres_database(PostgresOptions options);

}  // namespace sluice::store::sql
