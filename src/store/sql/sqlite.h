// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "store/sql/connection.h"

namespace sluice::store::sql {

struct SqliteFile {
  enum class Use : std::uint8_t {
    Store,      // read and written by several at a time, durable: write-ahead log, synced at each commit
    NewBackup,  // must not exist; filled once, synced by whoever fills it
    Backup,     // only read
  };
  std::string file;
  Use use = Use::Store;
  Millis busy_timeout{5'000};
  std::string vfs;  // empty: SQLite's own
};

std::unique_ptr<Database> sqlite_database(SqliteFile file);

}  // namespace sluice::store::sql
