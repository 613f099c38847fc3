// SPDX-License-Identifier: Apache-2.0
#include "store/durable.h"
#include "store/log_store.h"
#include "store/sql/sqlite.h"

namespace sluice::store {

Result<std::unique_ptr<DurableStore>> open_sqlite(const SqliteOptions& options, const entity::Catalog& catalog,
                                                  Keyring& keyring) {
  sql::SqliteFile file;
  file.file = options.file;
  file.busy_timeout = options.busy_timeout;
  file.vfs = options.vfs;
  return LogStore::open(sql::sqlite_database(std::move(file)), options.control_plane, catalog, keyring);
}

}  // namespace sluice::store
