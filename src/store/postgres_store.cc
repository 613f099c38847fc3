// SPDX-License-Identifier: Apache-2.0
#include "store/durable.h"
#include "store/log_store.h"
#include "store/sql/postgres.h"

namespace sluice::store {

Result<std::unique_ptr<DurableStore>> open_postgres(const PostgresOptions& options, const entity::Catalog& catalog,
                                                    Keyring& keyring) {
  return LogStore::open(sql::postgres_database(options), options.control_plane, catalog, keyring);
}

}  // namespace sluice::store
