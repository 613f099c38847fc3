// SPDX-License-Identifier: Apache-2.0
#include "storage.h"

#include <utility>

namespace sluice::apps {
namespace {

/// libpq takes one file, and knows no `system`.
std::string root_certificate(const settings::Settings& settings) {
  for (const std::string& entry : settings.lua_ssl_trusted_certificate) {
    if (entry.starts_with('/')) return entry;
  }
  return "/etc/ssl/certs/ca-certificates.crt";
}

store::PostgresOptions postgres_options(const settings::Settings& settings) {
  store::PostgresOptions options;
  options.host = settings.pg_host;
  options.port = static_cast<std::uint16_t>(settings.pg_port);
  options.user = settings.pg_user;
  options.password = settings.pg_password;
  options.database = settings.pg_database;
  options.ssl = settings.pg_ssl;
  options.ssl_verify = settings.pg_ssl_verify;
  if (options.ssl_verify) options.ssl_root_certificate = root_certificate(settings);
  options.timeout = settings.pg_timeout;
  return options;
}

}  // namespace

std::string sqlite_file(const settings::Settings& settings) {
  return settings::below_prefix(settings, "store/sluice.db");
}

Result<OpenStore> open_store(const settings::Settings& settings, const entity::Catalog& catalog) {
  if (settings.database == settings::Database::Off) return fail(Errc::Unsupported, "database=off keeps nothing");
  TRY(auto keyring, store::Keyring::open(settings::below_prefix(settings, settings.keyring_path)));
  OpenStore open;
  open.keyring = std::make_unique<store::Keyring>(std::move(keyring));
  if (settings.database == settings::Database::Postgres) {
    TRY(open.store, store::open_postgres(postgres_options(settings), catalog, *open.keyring));
  } else {
    store::SqliteOptions options;
    options.file = sqlite_file(settings);
    TRY(open.store, store::open_sqlite(options, catalog, *open.keyring));
  }
  return open;
}

Result<StoredState> load_stored(const settings::Settings& settings, const entity::Catalog& catalog) {
  StoredState state;
  if (settings.database == settings::Database::Off) return state;
  TRY(state.open, open_store(settings, catalog));
  TRY(state.heads, state.open.store->heads());
  TRY(state.contents, state.open.store->load());
  return state;
}

}  // namespace sluice::apps
