// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/secret.h"
#include "schema/record.h"

namespace sluice::plugins {

/// How to reach a Redis: the record that several plugins have under `redis`. reference/gateway.md, 6.3.
struct RedisSettings {
  std::optional<std::string> host;
  std::uint16_t port = 6379;
  int timeout = 2000;  // milliseconds
  std::optional<std::string> username;
  std::optional<Secret<std::string>> password;
  int database = 0;
  bool ssl = false;
  bool ssl_verify = false;
  std::optional<std::string> server_name;

  static void describe(schema::Record<RedisSettings>& r);
};

/// Accepts the names that these settings had before they were a record (`redis_host`), as clients still send them.
void add_old_redis_names(schema::RecordBase& config);

}  // namespace sluice::plugins
