// SPDX-License-Identifier: Apache-2.0
#include "plugins/redis_settings.h"

#include <utility>

namespace sluice::plugins {

void RedisSettings::describe(schema::Record<RedisSettings>& r) {
  r.field<&RedisSettings::host>("host", "Name or address.").rule(schema::host());
  r.field<&RedisSettings::port>("port", "Port.").optional().rule(schema::port());
  r.field<&RedisSettings::timeout>("timeout", "For connecting, sending and reading, in milliseconds.")
      .optional()
      .rule(schema::timeout());
  r.field<&RedisSettings::username>("username", "User of the access list; empty for plain AUTH.").referenceable();
  r.field<&RedisSettings::password>("password", "For AUTH; empty sends none.")
      .optional()
      .allow_empty()
      .encrypted()
      .referenceable();
  r.field<&RedisSettings::database>("database", "Number of the database.").optional();
  r.field<&RedisSettings::ssl>("ssl", "Connect with TLS.").optional();
  r.field<&RedisSettings::ssl_verify>("ssl_verify", "Verify the server's certificate.").optional();
  r.field<&RedisSettings::server_name>("server_name", "Name sent as SNI and expected in the certificate.")
      .rule(schema::sni());
}

void add_old_redis_names(schema::RecordBase& config) {
  using schema::Type;
  const std::pair<const char*, Type> fields[] = {
      {"host", Type::String},        {"port", Type::Integer},    {"password", Type::String},
      {"username", Type::String},    {"ssl", Type::Boolean},     {"ssl_verify", Type::Boolean},
      {"server_name", Type::String}, {"timeout", Type::Integer}, {"database", Type::Integer},
  };
  for (const auto& [name, type] : fields) {
    schema::Shorthand& old = config.shorthand_for(std::string("redis_") + name, type, {"redis", name});
    old.field.deprecation = schema::Deprecation{
        .message = std::string("redis_") + name + " is deprecated, please use redis." + name + " instead",
        .removal_in_version = "4.0"};
  }
}

}  // namespace sluice::plugins
